#include "training/muon.h"

#include <cmath>

#include "torch_api.h"

namespace cifar10 {

Muon::Muon(double momentum, int64_t newton_schulz_steps, at::ScalarType dtype)
    : momentum_({.momentum = momentum, .nesterov = true, .weight_decay = 0}),
      newton_schulz_steps_(newton_schulz_steps),
      dtype_(dtype) {}

void Muon::apply(at::Tensor parameter, Buffers& buffers, double lr, int64_t /*step*/) const {
  const auto update = momentum_.direction(parameter, buffers);
  // Filters keep a norm of √out: only their direction is learned, so that lr means the same all along.
  parameter.mul_(std::sqrt(static_cast<double>(parameter.size(0))) / parameter.norm());
  parameter.add_(orthogonalize(update, newton_schulz_steps_, dtype_), -lr);
}

at::Tensor orthogonalize(const at::Tensor& gradient, int64_t steps, at::ScalarType dtype) {
  constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;  // maximal slope at 0, from Jordan's post
  constexpr double kEpsilon = 1e-7;
  auto x = gradient.reshape({gradient.size(0), -1});
  x = x.div(x.norm().add(kEpsilon)).to(dtype);
  const bool is_tall = x.size(0) > x.size(1);
  if (is_tall) x = x.t();  // the Gram matrix below is then the smaller one
  for (int64_t i = 0; i < steps; ++i) {
    const auto gram = x.matmul(x.t());
    x = x.mul(kA).add(gram.mul(kB).add(gram.matmul(gram), kC).matmul(x));
  }
  return (is_tall ? x.t() : x).to(torch::kFloat32).reshape(gradient.sizes());
}

}  // namespace cifar10
