#include "training/parameters.h"

#include <algorithm>

#include "torch_api.h"
#include "training/adam.h"
#include "training/muon.h"
#include "training/sgd.h"

namespace cifar10 {
namespace {

struct Trait {
  bool is_matrix;  // filters and linear layers, in contrast to norms and biases
  bool is_filter;
  bool is_norm;  // weight or bias of a normalization layer
};

// Of batch and group norms: layers whose weight is a vector.
std::vector<at::Tensor> norm_parameters(const Model& model) {
  std::vector<at::Tensor> found;
  for (const auto& module : model.modules()) {
    const auto own = module->named_parameters(/*recurse=*/false);
    const auto* weight = own.find("weight");
    if (weight == nullptr || weight->dim() != 1) continue;
    for (const auto& item : own) found.push_back(item.value());
  }
  return found;
}

// How a parameter of that kind learns: lr and rule.
struct Assignment {
  double lr;
  std::shared_ptr<const UpdateRule> rule;
};

Assignment assign(const SgdOptions& o, const Trait& trait, at::ScalarType) {
  const double scale = trait.is_norm ? o.norm_lr_scale : 1;
  const double weight_decay = trait.is_matrix || o.decay_norms_and_biases ? o.weight_decay / scale : 0;
  return {o.lr * scale, std::make_shared<Sgd>(Sgd::Options{o.momentum, o.nesterov, weight_decay})};
}

Assignment assign(const AdamOptions& o, const Trait& trait, at::ScalarType) {
  auto own = o;
  if (!trait.is_matrix && !o.decay_norms_and_biases) own.weight_decay = 0;
  return {o.lr, std::make_shared<Adam>(own)};
}

Assignment assign(const MuonOptions& o, const Trait& trait, at::ScalarType dtype) {
  if (trait.is_filter) return {o.lr, std::make_shared<Muon>(o.momentum, o.newton_schulz_steps, dtype)};
  const auto& companion = o.companion;
  const double lr = trait.is_matrix ? companion.head_lr : companion.vector_lr;
  const Sgd::Options sgd{companion.momentum, /*nesterov=*/true, companion.weight_decay / lr};
  return {lr, std::make_shared<Sgd>(sgd)};
}

}  // namespace

std::vector<Learner> assign_learners(const Model& model, const OptimizerOptions& options,
                                     at::ScalarType dtype) {
  const auto early = model.short_lived().parameter;
  const auto norms = norm_parameters(model);
  std::vector<Learner> learners;
  for (const auto& item : model.named_parameters()) {
    const auto& parameter = item.value();
    const bool is_short_lived = parameter.is_same(early);
    if (!parameter.requires_grad() && !is_short_lived) continue;
    const bool is_norm =
        std::ranges::any_of(norms, [&](const auto& norm) { return norm.is_same(parameter); });
    const Trait trait{parameter.dim() >= 2, parameter.dim() == 4, is_norm};
    const auto [lr, rule] =
        std::visit([&](const auto& chosen) { return assign(chosen, trait, dtype); }, options);
    learners.push_back({item.key(), parameter, is_short_lived, lr, rule, {}});
  }
  return learners;
}

}  // namespace cifar10
