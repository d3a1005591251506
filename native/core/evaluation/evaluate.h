// Owns running a finished model over many images, with and without test-time augmentation.
#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "data/data_options.h"
#include "data/dataset.h"
#include "evaluation/metrics.h"
#include "models/model.h"

namespace cifar10 {

// Thrown where work stops because `stop` was set.
struct Stopped {};

struct EvaluateOptions {
  NormalizationOptions normalization;
  at::ScalarType dtype;
  int64_t batch_size;
  // Test-time augmentation: 0 none; 1 mean of the image and its mirror; 2 half of that, half the mean of the
  // same over the crops at (0,0) and (2,2) of the image reflect-padded by 1 (airbench94, section 3.5).
  int64_t tta_level;
};

struct Logits {
  at::Tensor plain;      // float32 [N,10]
  at::Tensor augmented;  // float32 [N,10]; the same as `plain` at level 0
};

using EvaluateProgress = std::function<void(int64_t done, int64_t total)>;

// images: uint8 [N,3,32,32] on the model's device. Puts the model into evaluation mode. Throws Stopped.
Logits predict_logits(Model& model, const at::Tensor& images, const EvaluateOptions& options,
                      const std::atomic<bool>& stop, const EvaluateProgress& progress);

struct Evaluation {
  Metrics metrics;             // without augmentation
  std::optional<Metrics> tta;  // with it; absent at level 0
};

Evaluation evaluate(Model& model, const Dataset& dataset, const EvaluateOptions& options,
                    const std::atomic<bool>& stop, const EvaluateProgress& progress);

}  // namespace cifar10
