// Owns the averages of the weights that a training keeps beside them: the exponential moving average that is
// tested in their place, and lookahead's slow weights, which they are set back to again and again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/model.h"
#include "training/training_options.h"

namespace cifar10 {

// Exponential moving average of all floating-point parameters and buffers, as
// torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn and use_buffers=True: the first update
// copies, later ones move by 1 − decay; counters are copied.
class Ema {
 public:
  // `model`: another instance of the trained model, on its device. It becomes the average.
  Ema(std::shared_ptr<Model> model, double decay) : model_(std::move(model)), decay_(decay) {}

  void update(const Model& trained);
  Model& model() { return *model_; }
  // The average as it stands; empty before the first update.
  std::vector<NamedTensor> state() const;
  // `has_stepped`: whether the state was taken after the first update. Errors: CHECKPOINT_MISMATCH.
  void load_state(const std::vector<NamedTensor>& state, bool has_stepped);

 private:
  std::shared_ptr<Model> model_;
  double decay_;
  bool has_begun_ = false;
};

// Lookahead (Zhang et al. 2019, arXiv 1907.08610) in the form of airbench94 (KellerJordan/cifar10-airbench):
// running statistics of norms are averaged too, the decay may grow with progress, and the run ends on the
// slow weights.
class Lookahead {
 public:
  // Begins with the weights that the model has now.
  Lookahead(const Model& model, const LookaheadOptions& options);

  // To be called after update `step` (from 1) of `steps`.
  void update(Model& model, int64_t step, int64_t steps);
  // Sets the model to the slow weights, at the end of a run after update `step`. One that was too short to
  // return to them even once keeps its own: they are still those it began with.
  void finish(Model& model, int64_t step);
  std::vector<NamedTensor> state() const;
  // Errors: CHECKPOINT_MISMATCH.
  void load_state(const std::vector<NamedTensor>& state);

 private:
  void synchronize(Model& model, double decay);

  std::vector<NamedTensor> slow_;
  LookaheadOptions options_;
};

}  // namespace cifar10
