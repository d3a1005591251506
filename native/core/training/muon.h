// Owns Muon (Keller Jordan, https://kellerjordan.github.io/posts/muon) as airbench94_muon of
// KellerJordan/cifar10-airbench has it: Nesterov momentum, orthogonalized, on filters that are kept at a
// fixed norm.
#pragma once

#include "training/sgd.h"
#include "training/update_rule.h"

namespace cifar10 {

class Muon final : public UpdateRule {
 public:
  // Orthogonalizes in `dtype`.
  Muon(double momentum, int64_t newton_schulz_steps, at::ScalarType dtype);

  void apply(at::Tensor parameter, Buffers& buffers, double lr, int64_t step) const override;
  std::vector<std::string> buffer_names() const override { return momentum_.buffer_names(); }

 private:
  Sgd momentum_;
  int64_t newton_schulz_steps_;
  at::ScalarType dtype_;
};

// The nearest semi-orthogonal matrix to `gradient` ([out, …] read as out × rest), roughly: singular values
// land near 1. Quintic Newton–Schulz iteration in `dtype`; returns float32 of the same shape.
at::Tensor orthogonalize(const at::Tensor& gradient, int64_t steps, at::ScalarType dtype);

}  // namespace cifar10
