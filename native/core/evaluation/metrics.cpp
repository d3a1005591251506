#include "evaluation/metrics.h"

#include "torch_api.h"

#include <limits>

namespace cifar10 {

double accuracy(const at::Tensor& logits, const at::Tensor& labels) {
  return logits.argmax(1).eq(labels).to(torch::kFloat64).mean().item<double>();
}

Metrics compute_metrics(const at::Tensor& logits, const at::Tensor& labels) {
  Metrics metrics{};
  metrics.image_count = labels.size(0);
  metrics.accuracy = accuracy(logits, labels);
  metrics.cross_entropy = at::cross_entropy_loss(logits.to(torch::kFloat64), labels).item<double>();
  const auto cells =
      labels.mul(kClasses).add(logits.argmax(1)).bincount({}, kClasses * kClasses).to(torch::kCPU);
  const auto counts = cells.accessor<int64_t, 1>();
  for (int64_t row = 0; row < kClasses; ++row) {
    int64_t images = 0;
    for (int64_t column = 0; column < kClasses; ++column)
      images += metrics.confusion[row][column] = counts[row * kClasses + column];
    metrics.per_class_accuracy[row] =
        images == 0 ? std::numeric_limits<double>::quiet_NaN()
                    : static_cast<double>(metrics.confusion[row][row]) / static_cast<double>(images);
  }
  return metrics;
}

}  // namespace cifar10
