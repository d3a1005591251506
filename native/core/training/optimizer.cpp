#include "training/optimizer.h"

#include <set>

#include "error.h"
#include "torch_api.h"

namespace cifar10 {
namespace {

Error wrong_buffers(const std::string& message) {
  return {"CHECKPOINT_MISMATCH", "optimizer state to resume with: " + message,
          "resume with the model and the optimizer that the training was started with"};
}

std::string key_of(const std::string& buffer, const Learner& learner) { return buffer + "." + learner.name; }

}  // namespace

Optimizer::Optimizer(const Model& model, const OptimizerOptions& options, at::ScalarType dtype)
    : learners_(assign_learners(model, options, dtype)) {}

void Optimizer::step(const LrFactors& factors, int64_t step) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, parameter, is_short_lived, lr, rule, buffers] : learners_) {
    if (!parameter.grad().defined()) continue;
    rule->apply(parameter, buffers, lr * (is_short_lived ? factors.short_lived : factors.all), step);
  }
}

void Optimizer::zero_grad() {
  for (auto& learner : learners_) learner.parameter.mutable_grad().reset();
}

void Optimizer::clip_gradients(double max_norm) {
  const torch::NoGradGuard no_grad;
  std::vector<at::Tensor> norms;
  for (const auto& learner : learners_)
    if (const auto& gradient = learner.parameter.grad(); gradient.defined()) norms.push_back(gradient.norm());
  const auto total = torch::stack(norms).norm();
  const auto scale = total.add(1e-6).reciprocal().mul(max_norm).clamp_max(1);
  for (auto& learner : learners_)
    if (auto& gradient = learner.parameter.mutable_grad(); gradient.defined()) gradient.mul_(scale);
}

std::vector<NamedTensor> Optimizer::state() const {
  std::vector<NamedTensor> state;
  for (const auto& learner : learners_)
    for (const auto& [name, buffer] : learner.buffers)
      state.push_back({key_of(name, learner), cpu_copy(buffer)});
  return state;
}

void Optimizer::load_state(const std::vector<NamedTensor>& state, bool has_stepped) {
  std::map<std::string, at::Tensor> given;
  for (const auto& [name, tensor] : state) given.emplace(name, tensor);
  for (auto& learner : learners_) {
    learner.buffers.clear();
    for (const auto& name : learner.rule->buffer_names()) {
      const auto key = key_of(name, learner);
      const auto found = given.find(key);
      const bool is_given = found != given.end();
      // A short-lived parameter may never have had a gradient.
      if (is_given != has_stepped && !learner.is_short_lived)
        throw wrong_buffers("expected " + std::string(has_stepped ? "\"" : "no \"") + key + "\", found " +
                            (is_given ? "one" : "none"));
      if (!is_given) continue;
      // Laid out like the parameter, as its gradients are: sums over another order would round differently.
      auto& buffer = learner.buffers[name] = at::empty_like(learner.parameter);
      copy_checked(key, buffer, found->second);
      given.erase(found);
    }
  }
  if (!given.empty())
    throw wrong_buffers("expected the buffers of parameters that are trained, found \"" +
                        given.begin()->first + "\"");
}

}  // namespace cifar10
