// Owns one update of all parameters, and the buffers that they keep between two updates. Must not know
// schedules: each step is told which share of the peak lr to use.
#pragma once

#include <string>
#include <vector>

#include "models/model.h"
#include "training/parameters.h"
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

  // Updates every parameter that has a gradient, in place. `step` counts from 1.
  void step(const LrFactors& factors, int64_t step);
  void zero_grad();
  // Scales all gradients so that the norm of all of them together is at most `max_norm`, as
  // torch.nn.utils.clip_grad_norm_ does.
  void clip_gradients(double max_norm);
  // Copies of the buffers, `momentum.conv1.weight`; those that no step has filled are absent.
  std::vector<NamedTensor> state() const;
  // Replaces the buffers. `has_stepped`: whether the state was taken after the first step, so that every
  // lasting parameter has all of its own. Errors: CHECKPOINT_MISMATCH when a name, shape or dtype differs.
  void load_state(const std::vector<NamedTensor>& state, bool has_stepped);

 private:
  std::vector<Learner> learners_;
};

}  // namespace cifar10
