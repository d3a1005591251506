#include "benchmark_job.h"

#include "benchmark/benchmark.h"
#include "convert.h"
#include "job.h"
#include "read_js.h"
#include "write_js.h"

namespace {

cifar10::BenchmarkOptions to_benchmark_options(const Napi::Object& request) {
  const auto config = child(request, "config");
  const auto data_loading = child(config, "dataLoading"), training = child(config, "training");
  return {.model = to_model_options(child(config, "model")),
          .loader = to_loader_options(data_loading),
          .normalization = to_normalization_options(child(data_loading, "normalization")),
          .update = to_update_options(training),
          .runtime = to_runtime_options(training),
          .steps = integer(request, "steps"),
          .trains = boolean(request, "trains")};
}

Napi::Object from_benchmark(Napi::Env env, const cifar10::Benchmark& benchmark) {
  auto result = Napi::Object::New(env);
  result.Set("device", benchmark.device);
  result.Set("threads", static_cast<double>(benchmark.threads));
  result.Set("steps", array_of(env, benchmark.steps, [&](const cifar10::StepSeconds& seconds) {
               auto step = Napi::Object::New(env);
               step.Set("augment", seconds.augment);
               step.Set("forward", seconds.forward);
               step.Set("backward", seconds.backward);
               step.Set("optimizer", seconds.optimizer);
               return step;
             }));
  result.Set("convolutionPeak", benchmark.convolution_peak);
  return result;
}

}  // namespace

Napi::Value start_benchmark(const Napi::CallbackInfo& info) {
  const auto options = to_benchmark_options(info[0].As<Napi::Object>());
  return Job::start(info.Env(), info.Env().Undefined(), [options](Job& job) -> Job::ToJs {
    const auto result = cifar10::benchmark(options, job.stop());
    return [result](Napi::Env env) { return from_benchmark(env, result); };
  });
}
