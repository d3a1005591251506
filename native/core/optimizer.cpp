#include "optimizer.h"

#include <torch/torch.h>

#include <cmath>

namespace cifar10 {

Optimizer::Optimizer(const Model& model, const OptimizerOptions& options, at::ScalarType dtype)
    : dtype_(dtype) {
  std::visit([&](const auto& chosen) { add_groups(model, chosen); }, options);
}

void Optimizer::add_group(std::vector<at::Tensor> parameters, Group settings) {
  settings.momentum_buffers.resize(parameters.size());
  settings.parameters = std::move(parameters);
  groups_.push_back(std::move(settings));
}

void Optimizer::add_groups(const Model& model, const SgdOptions& options) {
  const auto short_lived = model.short_lived().parameter;
  std::vector<at::Tensor> lasting;
  for (const auto& parameter : model.parameters())
    if (parameter.requires_grad() && !parameter.is_same(short_lived)) lasting.push_back(parameter);
  Group settings{.lr = options.lr,
                 .momentum = options.momentum,
                 .nesterov = options.nesterov,
                 .weight_decay = options.weight_decay};
  add_group(std::move(lasting), settings);
  if (!short_lived.defined()) return;
  settings.is_short_lived = true;
  add_group({short_lived}, settings);
}

// Convolution filters go to Muon, the linear layer's matrix is the head, the rest are vectors.
void Optimizer::add_groups(const Model& model, const MuonOptions& options) {
  newton_schulz_steps_ = options.newton_schulz_steps;
  const auto short_lived = model.short_lived().parameter;
  std::vector<at::Tensor> filters, heads, vectors;
  for (const auto& parameter : model.parameters()) {
    if (!parameter.requires_grad() || parameter.is_same(short_lived)) continue;
    (parameter.dim() == 4 ? filters : parameter.dim() == 2 ? heads : vectors).push_back(parameter);
  }
  const auto& companion = options.companion;
  const auto sgd = [&](double lr, bool is_short_lived) {
    return Group{.lr = lr,
                 .momentum = companion.momentum,
                 .nesterov = true,
                 .weight_decay = companion.weight_decay / lr,
                 .is_short_lived = is_short_lived};
  };
  add_group(std::move(filters),
            {.lr = options.lr, .momentum = options.momentum, .nesterov = true, .uses_muon = true});
  add_group(std::move(heads), sgd(companion.head_lr, false));
  add_group(std::move(vectors), sgd(companion.vector_lr, false));
  if (short_lived.defined()) add_group({short_lived}, sgd(companion.vector_lr, true));
}

// Gradient with weight decay and momentum, as torch.optim.SGD defines it (dampening 0).
at::Tensor Optimizer::direction(Group& group, size_t index, const at::Tensor& gradient) const {
  auto& buffer = group.momentum_buffers[index];
  const auto decayed =
      group.weight_decay == 0 ? gradient : gradient.add(group.parameters[index], group.weight_decay);
  if (group.momentum == 0) return decayed;
  if (buffer.defined())
    buffer.mul_(group.momentum).add_(decayed);
  else
    buffer = decayed.clone();
  return group.nesterov ? decayed.add(buffer, group.momentum) : buffer;
}

void Optimizer::step(const LrFactors& factors) {
  const torch::NoGradGuard no_grad;
  for (auto& group : groups_) {
    const double lr = group.lr * (group.is_short_lived ? factors.short_lived : factors.all);
    for (size_t i = 0; i < group.parameters.size(); ++i) {
      auto& parameter = group.parameters[i];
      if (!parameter.grad().defined()) continue;
      const auto update = direction(group, i, parameter.grad());
      if (!group.uses_muon) {
        parameter.add_(update, -lr);
        continue;
      }
      // Filters keep a norm of √out: only their direction is learned, so that lr means the same all along.
      parameter.mul_(std::sqrt(static_cast<double>(parameter.size(0))) / parameter.norm());
      parameter.add_(orthogonalize(update, newton_schulz_steps_, dtype_), -lr);
    }
  }
}

void Optimizer::zero_grad() {
  for (auto& group : groups_)
    for (auto& parameter : group.parameters) parameter.mutable_grad().reset();
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
