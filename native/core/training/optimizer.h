// Owns the update rules: SGD with momentum (PyTorch's form) and Muon (Keller Jordan,
// https://kellerjordan.github.io/posts/muon), with their momentum buffers. Must not know schedules: each step
// is told which share of the peak lr to use.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "models/model.h"
#include "training/training_options.h"

namespace cifar10 {

// Share of the peak lr at one step.
struct LrFactors {
  double all;
  double short_lived;  // of Model::short_lived(); 0: frozen
};

class Optimizer {
 public:
  // Muon orthogonalizes in `dtype`. Keeps references to the model's parameters.
  Optimizer(const Model& model, const OptimizerOptions& options, at::ScalarType dtype);

  // Updates every parameter that has a gradient, in place.
  void step(const LrFactors& factors);
  void zero_grad();

  // Copies of the momentum buffers under their parameters' state keys; one that no step has filled is absent.
  std::vector<NamedTensor> state() const;
  // Replaces the momentum buffers. `has_stepped`: whether the state was taken after the first step, so that
  // every lasting parameter has a buffer. Errors: CHECKPOINT_MISMATCH when a name, shape or dtype differs.
  void load_state(const std::vector<NamedTensor>& state, bool has_stepped);

 private:
  struct Slot {
    std::string name;  // the parameter's state key
    at::Tensor parameter;
    at::Tensor momentum;  // undefined before the first step
  };
  struct Group {
    std::vector<Slot> slots;
    double lr;
    double momentum;
    bool nesterov;
    double weight_decay;
    bool is_short_lived;
    bool uses_muon;
  };
  void add_group(std::vector<Slot> slots, Group settings);
  void add_groups(const Model& model, const SgdOptions& options);
  void add_groups(const Model& model, const MuonOptions& options);
  static at::Tensor direction(const Group& group, Slot& slot);
  // The slot whose parameter is `name` in a group with momentum, else null.
  Slot* find_momentum(const std::string& name);
  void check_momentum_is(bool present) const;

  std::vector<Group> groups_;
  at::ScalarType dtype_;
  int64_t newton_schulz_steps_ = 0;
};

// The nearest semi-orthogonal matrix to `gradient` ([out, …] read as out × rest), roughly: singular values
// land near 1. Quintic Newton–Schulz iteration in `dtype`; returns float32 of the same shape.
at::Tensor orthogonalize(const at::Tensor& gradient, int64_t steps, at::ScalarType dtype);

}  // namespace cifar10
