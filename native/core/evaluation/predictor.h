// Owns a loaded model ready to classify: weights, device and arithmetic. One call at a time.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "evaluation/evaluate.h"
#include "models/model.h"
#include "runtime.h"
#include "runtime_options.h"

namespace cifar10 {

struct PredictorOptions {
  ModelOptions model;
  NormalizationOptions normalization;
  RuntimeOptions runtime;
  int64_t batch_size;  // images in one forward pass, at most
};

class Predictor {
 public:
  // Errors: CHECKPOINT_MISMATCH when `state` is not this model's, DEVICE_UNAVAILABLE.
  Predictor(const PredictorOptions& options, const std::vector<NamedTensor>& state);

  ~Predictor();
  Predictor(const Predictor&) = delete;
  Predictor& operator=(const Predictor&) = delete;

  // images: uint8 [N,3,32,32] -> probabilities: float32 [N,10] on the CPU. Throws Stopped.
  at::Tensor classify(const at::Tensor& images, int64_t tta_level, const std::atomic<bool>& stop);

  Evaluation evaluate(const Dataset& dataset, int64_t tta_level, const std::atomic<bool>& stop,
                      const EvaluateProgress& progress);

 private:
  EvaluateOptions evaluate_options(int64_t tta_level) const;

  PredictorOptions options_;
  Runtime runtime_;
  std::shared_ptr<Model> model_;
};

}  // namespace cifar10
