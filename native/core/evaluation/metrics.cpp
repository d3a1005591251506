#include "evaluation/metrics.h"

#include <tuple>

#include "torch_api.h"

namespace cifar10 {
namespace {

constexpr int64_t kCalibrationBins = 15;

double ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// What one row and one column of the confusion matrix say of a class.
struct Counts {
  int64_t hits;
  int64_t labelled;
  int64_t predicted;

  bool occurs() const { return labelled + predicted > 0; }
};

Counts counts_of(const ConfusionMatrix& confusion, size_t label) {
  Counts counts{.hits = confusion[label][label], .labelled = 0, .predicted = 0};
  for (size_t other = 0; other < confusion.size(); ++other) {
    counts.labelled += confusion[label][other];
    counts.predicted += confusion[other][label];
  }
  return counts;
}

ClassMetrics class_metrics(const Counts& counts) {
  return {.precision = ratio(counts.hits, counts.predicted),
          .recall = ratio(counts.hits, counts.labelled),
          .f1 = ratio(2 * counts.hits, counts.labelled + counts.predicted)};
}

ConfusionMatrix confusion_matrix(const at::Tensor& logits, const at::Tensor& labels) {
  const auto cells = labels.mul(kClasses).add(logits.argmax(1)).bincount({}, kClasses * kClasses);
  const auto counts = cells.accessor<int64_t, 1>();
  ConfusionMatrix confusion{};
  for (int64_t label = 0; label < kClasses; ++label)
    for (int64_t predicted = 0; predicted < kClasses; ++predicted)
      confusion[label][predicted] = counts[label * kClasses + predicted];
  return confusion;
}

// Fills the figures that follow from the confusion matrix.
void summarize_classes(Metrics& metrics) {
  int64_t occurring = 0;
  ClassMetrics sum{};
  for (size_t label = 0; label < metrics.per_class.size(); ++label) {
    const auto counts = counts_of(metrics.confusion, label);
    const auto& own = metrics.per_class[label] = class_metrics(counts);
    if (!counts.occurs()) continue;
    occurring += 1;
    sum = {sum.precision + own.precision, sum.recall + own.recall, sum.f1 + own.f1};
  }
  const auto classes = static_cast<double>(occurring);
  metrics.macro = {sum.precision / classes, sum.recall / classes, sum.f1 / classes};
}

}  // namespace

double accuracy(const at::Tensor& logits, const at::Tensor& labels) {
  return logits.argmax(1).eq(labels).to(torch::kFloat64).mean().item<double>();
}

double top_k_accuracy(const at::Tensor& logits, const at::Tensor& labels, int64_t k) {
  const auto highest = std::get<1>(logits.topk(k, 1));
  return highest.eq(labels.unsqueeze(1)).any(1).to(torch::kFloat64).mean().item<double>();
}

double expected_calibration_error(const at::Tensor& logits, const at::Tensor& labels) {
  const auto [confidences, predicted] = logits.to(torch::kFloat32).softmax(1).max(1);
  const auto edges = torch::linspace(0, 1, kCalibrationBins + 1, confidences.options());
  const auto bins = at::bucketize(confidences, edges, /*out_int32=*/false, /*right=*/true).sub(1);
  const auto excess = predicted.eq(labels).to(torch::kFloat64).sub(confidences.to(torch::kFloat64));
  // (n/N) · |hits/n − confidence/n| of a bin is the |sum of hit − confidence| over its n images, by N.
  const auto gaps = torch::zeros({kCalibrationBins + 1}, excess.options()).index_add(0, bins, excess).abs();
  return gaps.sum().item<double>() / static_cast<double>(labels.size(0));
}

Metrics compute_metrics(const at::Tensor& any_logits, const at::Tensor& any_labels) {
  const auto logits = any_logits.to(torch::kCPU), labels = any_labels.to(torch::kCPU);
  Metrics metrics{};
  metrics.image_count = labels.size(0);
  metrics.accuracy = accuracy(logits, labels);
  for (size_t i = 0; i < kTopK.size(); ++i)
    metrics.top_k_accuracy[i] = top_k_accuracy(logits, labels, kTopK[i]);
  metrics.cross_entropy = at::cross_entropy_loss(logits.to(torch::kFloat64), labels).item<double>();
  metrics.expected_calibration_error = expected_calibration_error(logits, labels);
  metrics.confusion = confusion_matrix(logits, labels);
  summarize_classes(metrics);
  return metrics;
}

}  // namespace cifar10
