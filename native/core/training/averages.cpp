#include "training/averages.h"

#include <cmath>

#include "error.h"
#include "torch_api.h"

namespace cifar10 {

void Ema::update(const Model& trained) {
  const torch::NoGradGuard no_grad;
  const auto current = tensors_of(trained);
  for (auto& [name, average] : tensors_of(*model_)) {
    const auto& now = current.at(name);
    if (has_begun_ && average.is_floating_point())
      at::Tensor(average).lerp_(now, 1 - decay_);
    else
      at::Tensor(average).copy_(now);
  }
  has_begun_ = true;
}

std::vector<NamedTensor> Ema::state() const {
  return has_begun_ ? state_of(*model_) : std::vector<NamedTensor>{};
}

void Ema::load_state(const std::vector<NamedTensor>& state, bool has_stepped) {
  if (state.empty() == has_stepped)
    throw Error("CHECKPOINT_MISMATCH",
                std::string("moving average to resume with: expected ") +
                    (has_stepped ? "one, found none" : "none, found one"),
                "resume with the configuration that the training was started with");
  has_begun_ = has_stepped;
  if (has_begun_) cifar10::load_state(*model_, state);
}

Lookahead::Lookahead(const Model& model, const LookaheadOptions& options) : options_(options) {
  for (const auto& [name, tensor] : tensors_of(model))
    if (tensor.is_floating_point()) slow_.push_back({name, tensor.detach().clone()});
}

void Lookahead::update(Model& model, int64_t step, int64_t steps) {
  if (step % options_.steps == 0) {
    const double progress = static_cast<double>(step) / static_cast<double>(steps);
    synchronize(model, options_.decay * std::pow(progress, options_.power));
  }
  if (step == steps) finish(model, step);
}

void Lookahead::finish(Model& model, int64_t step) {
  if (step >= options_.steps) synchronize(model, 1);
}

void Lookahead::synchronize(Model& model, double decay) {
  const torch::NoGradGuard no_grad;
  auto fast = tensors_of(model);
  for (auto& [name, slow] : slow_) {
    slow.lerp_(fast.at(name), 1 - decay);
    fast.at(name).copy_(slow);
  }
}

std::vector<NamedTensor> Lookahead::state() const {
  std::vector<NamedTensor> state;
  for (const auto& [name, slow] : slow_) state.push_back({name, cpu_copy(slow)});
  return state;
}

void Lookahead::load_state(const std::vector<NamedTensor>& state) {
  if (state.size() != slow_.size())
    throw Error("CHECKPOINT_MISMATCH",
                "slow weights to resume with: expected " + std::to_string(slow_.size()) + " tensors, found " +
                    std::to_string(state.size()),
                "resume with the configuration that the training was started with");
  for (size_t i = 0; i < slow_.size(); ++i) {
    if (state[i].name != slow_[i].name)
      throw Error(
          "CHECKPOINT_MISMATCH",
          "slow weights to resume with: expected \"" + slow_[i].name + "\", found \"" + state[i].name + "\"",
          "resume with the configuration that the training was started with");
    copy_checked(slow_[i].name, slow_[i].tensor, state[i].tensor);
  }
}

}  // namespace cifar10
