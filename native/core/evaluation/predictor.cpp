#include "evaluation/predictor.h"

#include "runtime.h"
#include "torch_api.h"

namespace cifar10 {

Predictor::Predictor(const PredictorOptions& options, const std::vector<NamedTensor>& state)
    : options_(options), runtime_(start_runtime(options.runtime)), model_(make_model(options.model, 0)) {
  load_state(*model_, state);
  model_->to(runtime_.device);
  model_->eval();
}

Predictor::~Predictor() { release_cached_memory(); }

EvaluateOptions Predictor::evaluate_options(int64_t tta_level) const {
  return {options_.normalization, runtime_.dtype, options_.batch_size, tta_level};
}

at::Tensor Predictor::classify(const at::Tensor& images, int64_t tta_level, const std::atomic<bool>& stop) {
  enter_runtime(runtime_);  // others may have been entered since
  const auto logits =
      predict_logits(*model_, images.to(runtime_.device), evaluate_options(tta_level), stop, {});
  return logits.augmented.softmax(1).to(torch::kCPU).contiguous();
}

Evaluation Predictor::evaluate(const Dataset& dataset, int64_t tta_level, const std::atomic<bool>& stop,
                               const EvaluateProgress& progress) {
  enter_runtime(runtime_);  // others may have been entered since
  auto evaluation =
      cifar10::evaluate(*model_, dataset.to(runtime_.device), evaluate_options(tta_level), stop, progress);
  release_cached_memory();  // an evaluation is seldom followed by another
  return evaluation;
}

}  // namespace cifar10
