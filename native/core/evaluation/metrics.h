// Owns the figures a classifier is judged by. Each is computed over all images at once, never averaged over
// batches, on the CPU in float64. docs/evaluation.md gives the formulas and their sources; on the same logits
// they are those of torchmetrics 1.9, ties and edges of bins included.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

#include "data/dataset.h"

namespace cifar10 {

inline constexpr std::array<int64_t, 3> kTopK = {2, 3, 5};

// Fractions; 0 where the denominator is 0.
struct ClassMetrics {
  double precision;  // of the images predicted as the class, the share that are of it
  double recall;     // of the images of the class, the share predicted as it: its accuracy
  double f1;         // harmonic mean of the two: 2 TP / (2 TP + FP + FN)
};

using ConfusionMatrix = std::array<std::array<int64_t, kClasses>, kClasses>;  // [true class][predicted class]

struct Metrics {
  double accuracy;                                  // share of images whose highest logit is the label's, 0–1
  std::array<double, kTopK.size()> top_k_accuracy;  // at the place of k in kTopK
  double cross_entropy;                             // mean over the images, in nats, no label smoothing
  double expected_calibration_error;                // 0–1
  std::array<ClassMetrics, kClasses> per_class;     // by label
  ClassMetrics macro;                               // means over the classes that are a label or a prediction
  ConfusionMatrix confusion;
  int64_t image_count;
};

// logits: float32 [N,10]; labels: int64 [N], 0–9, N above 0; on any device.
Metrics compute_metrics(const at::Tensor& logits, const at::Tensor& labels);

// On the tensors' own device. Of equal logits the first counts as the highest.
double accuracy(const at::Tensor& logits, const at::Tensor& labels);

// Share of images whose label is among the k highest logits, k 1–10. Of equal logits at the k-th place those
// count that LibTorch's topk picks, as in torchmetrics; which these are, it leaves open. Logits of a bfloat16
// model do tie.
double top_k_accuracy(const at::Tensor& logits, const at::Tensor& labels, int64_t k);

// Σ over the bins of (images in the bin / N) · |accuracy in the bin − mean confidence in the bin|, confidence
// being the highest softmax probability (Guo et al. 2017, "On Calibration of Modern Neural Networks", section
// 2), with 15 bins of equal width. As in torchmetrics, and unlike the paper, a bin holds its lower edge and
// not its upper one, so that a confidence of exactly 1 stands in a bin of its own; confidences are float32,
// whose rounding decides the bin.
double expected_calibration_error(const at::Tensor& logits, const at::Tensor& labels);

}  // namespace cifar10
