// Owns the figures a classifier is judged by, computed over all images at once (not averaged over batches).
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

#include "data/dataset.h"

namespace cifar10 {

struct Metrics {
  double accuracy;                                  // share of images whose highest logit is the label's, 0–1
  double cross_entropy;                             // mean over the images, natural log, no label smoothing
  std::array<double, kClasses> per_class_accuracy;  // NaN for a class without images
  std::array<std::array<int64_t, kClasses>, kClasses> confusion;  // [true class][predicted class]
  int64_t image_count;
};

// logits: float32 [N,10]; labels: int64 [N].
Metrics compute_metrics(const at::Tensor& logits, const at::Tensor& labels);

double accuracy(const at::Tensor& logits, const at::Tensor& labels);

}  // namespace cifar10
