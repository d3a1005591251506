#include "training/adam.h"

#include <cmath>

#include "torch_api.h"

namespace cifar10 {
namespace {

constexpr const char* kMean = "exp_avg";       // of the gradients
constexpr const char* kSquare = "exp_avg_sq";  // of their squares

at::Tensor& zeros_at_first(at::Tensor& buffer, const at::Tensor& parameter) {
  if (!buffer.defined()) buffer = at::zeros_like(parameter);
  return buffer;
}

}  // namespace

void Adam::apply(at::Tensor parameter, Buffers& buffers, double lr, int64_t step) const {
  const double beta1 = options_.beta1, beta2 = options_.beta2, weight_decay = options_.weight_decay;
  auto gradient = parameter.grad();
  if (options_.decouples_weight_decay)
    parameter.mul_(1 - lr * weight_decay);
  else if (weight_decay != 0)
    gradient = gradient.add(parameter, weight_decay);
  auto& mean = zeros_at_first(buffers[kMean], parameter);
  auto& square = zeros_at_first(buffers[kSquare], parameter);
  mean.lerp_(gradient, 1 - beta1);
  square.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
  // Both averages began at 0: without the correction the first steps would be far too small.
  const double mean_correction = 1 - std::pow(beta1, static_cast<double>(step));
  const double square_correction = 1 - std::pow(beta2, static_cast<double>(step));
  const auto denominator = square.sqrt().div_(std::sqrt(square_correction)).add_(options_.epsilon);
  parameter.addcdiv_(mean, denominator, -lr / mean_correction);
}

std::vector<std::string> Adam::buffer_names() const { return {kMean, kSquare}; }

}  // namespace cifar10
