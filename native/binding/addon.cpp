// The addon's exports, no logic.
#include <napi.h>

#include "benchmark_job.h"
#include "inspect.h"
#include "inspect_data.h"
#include "inspect_kernels.h"
#include "inspect_training.h"
#include "job.h"
#include "predictor_wrap.h"
#include "process_end.h"
#include "runtime.h"
#include "train_job.h"

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  cifar10::prepare_process();
  env.SetInstanceData(new JobRegistry());
  exports.Set("stopJobs", Napi::Function::New(env, &Job::stop_all, "stopJobs"));
  exports.Set("exitImmediately", Napi::Function::New(env, exit_immediately, "exitImmediately"));
  exports.Set("train", Napi::Function::New(env, start_training, "train"));
  exports.Set("benchmark", Napi::Function::New(env, start_benchmark, "benchmark"));
  exports.Set("Predictor", PredictorWrap::define(env));
  exports.Set("describeModel", Napi::Function::New(env, describe_model, "describeModel"));
  exports.Set("countMultiplyAdds", Napi::Function::New(env, count_multiply_adds, "countMultiplyAdds"));
  exports.Set("lrFactors", Napi::Function::New(env, lr_factors, "lrFactors"));
  exports.Set("trainBatch", Napi::Function::New(env, train_batch, "trainBatch"));
  exports.Set("inspectTraining", Napi::Function::New(env, inspect_training, "inspectTraining"));
  exports.Set("splitRows", Napi::Function::New(env, split_rows, "splitRows"));
  exports.Set("previewEpochs", Napi::Function::New(env, preview_epochs, "previewEpochs"));
  exports.Set("applyAugmentation", Napi::Function::New(env, apply_augmentation, "applyAugmentation"));
  exports.Set("policyMagnitudes", Napi::Function::New(env, policy_magnitudes, "policyMagnitudes"));
  exports.Set("orthogonalize", Napi::Function::New(env, orthogonalize, "orthogonalize"));
  exports.Set("runKernel", Napi::Function::New(env, run_kernel, "runKernel"));
  exports.Set("computeMetrics", Napi::Function::New(env, compute_metrics, "computeMetrics"));
  exports.Set("dropOnes", Napi::Function::New(env, drop_ones, "dropOnes"));
  exports.Set("countMappings", Napi::Function::New(env, count_mappings, "countMappings"));
  exports.Set("runtimeInfo", Napi::Function::New(env, runtime_info, "runtimeInfo"));
  return exports;
}

NODE_API_MODULE(cifar10_torch, init)
