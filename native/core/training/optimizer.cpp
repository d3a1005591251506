#include "training/optimizer.h"

#include <torch/torch.h>

#include <cmath>

#include "error.h"

namespace cifar10 {
namespace {

Error mismatch(const std::string& message) {
  return {"CHECKPOINT_MISMATCH", "momentum buffers to resume with: " + message,
          "resume with the model and the optimizer that the training was started with"};
}

}  // namespace

Optimizer::Optimizer(const Model& model, const OptimizerOptions& options, at::ScalarType dtype)
    : dtype_(dtype) {
  std::visit([&](const auto& chosen) { add_groups(model, chosen); }, options);
}

void Optimizer::add_group(std::vector<Slot> slots, Group settings) {
  settings.slots = std::move(slots);
  groups_.push_back(std::move(settings));
}

void Optimizer::add_groups(const Model& model, const SgdOptions& options) {
  const auto early = model.short_lived().parameter;
  std::vector<Slot> lasting, short_lived;
  for (const auto& item : model.named_parameters())
    if (const auto& parameter = item.value(); parameter.requires_grad())
      (parameter.is_same(early) ? short_lived : lasting).push_back({item.key(), parameter, {}});
  Group settings{.lr = options.lr,
                 .momentum = options.momentum,
                 .nesterov = options.nesterov,
                 .weight_decay = options.weight_decay};
  add_group(std::move(lasting), settings);
  settings.is_short_lived = true;
  add_group(std::move(short_lived), settings);
}

// Convolution filters go to Muon, the linear layer's matrix is the head, the rest are vectors.
void Optimizer::add_groups(const Model& model, const MuonOptions& options) {
  newton_schulz_steps_ = options.newton_schulz_steps;
  const auto early = model.short_lived().parameter;
  std::vector<Slot> filters, heads, vectors, short_lived;
  for (const auto& item : model.named_parameters()) {
    const auto& parameter = item.value();
    if (!parameter.requires_grad()) continue;
    auto& slots = parameter.is_same(early) ? short_lived
                  : parameter.dim() == 4   ? filters
                  : parameter.dim() == 2   ? heads
                                           : vectors;
    slots.push_back({item.key(), parameter, {}});
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
  add_group(std::move(short_lived), sgd(companion.vector_lr, true));
}

// Gradient with weight decay and momentum, as torch.optim.SGD defines it (dampening 0).
at::Tensor Optimizer::direction(const Group& group, Slot& slot) {
  const auto& gradient = slot.parameter.grad();
  const auto decayed = group.weight_decay == 0 ? gradient : gradient.add(slot.parameter, group.weight_decay);
  if (group.momentum == 0) return decayed;
  if (slot.momentum.defined())
    slot.momentum.mul_(group.momentum).add_(decayed);
  else
    slot.momentum = decayed.clone();
  return group.nesterov ? decayed.add(slot.momentum, group.momentum) : slot.momentum;
}

void Optimizer::step(const LrFactors& factors) {
  const torch::NoGradGuard no_grad;
  for (auto& group : groups_) {
    const double lr = group.lr * (group.is_short_lived ? factors.short_lived : factors.all);
    for (auto& slot : group.slots) {
      auto& parameter = slot.parameter;
      if (!parameter.grad().defined()) continue;
      const auto update = direction(group, slot);
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
    for (auto& slot : group.slots) slot.parameter.mutable_grad().reset();
}

std::vector<NamedTensor> Optimizer::state() const {
  std::vector<NamedTensor> state;
  for (const auto& group : groups_)
    for (const auto& slot : group.slots)
      if (slot.momentum.defined()) state.push_back({slot.name, cpu_copy(slot.momentum)});
  return state;
}

void Optimizer::load_state(const std::vector<NamedTensor>& state, bool has_stepped) {
  for (auto& group : groups_)
    for (auto& slot : group.slots) slot.momentum.reset();
  for (const auto& [name, source] : state) {
    auto* slot = find_momentum(name);
    if (slot == nullptr)
      throw mismatch("expected the names of parameters that learn with momentum, found \"" + name + "\"");
    // Laid out like the parameter, as its gradients are: sums over another order would round differently.
    slot->momentum = at::empty_like(slot->parameter);
    copy_checked("momentum of " + name, slot->momentum, source);
  }
  check_momentum_is(has_stepped);
}

Optimizer::Slot* Optimizer::find_momentum(const std::string& name) {
  for (auto& group : groups_)
    for (auto& slot : group.slots)
      if (slot.name == name && group.momentum != 0) return &slot;
  return nullptr;
}

// A short-lived parameter may never have had a gradient.
void Optimizer::check_momentum_is(bool present) const {
  for (const auto& group : groups_) {
    if (group.momentum == 0 || group.is_short_lived) continue;
    for (const auto& slot : group.slots)
      if (slot.momentum.defined() != present)
        throw mismatch("\"" + slot.name + "\": expected " + (present ? "a" : "no") + " buffer, found " +
                       (present ? "none" : "one"));
  }
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
