// Owns one optimizer update from a batch: forward, loss, backward, clipping, step, averages. Must not know
// epochs, files or who listens.
#pragma once

#include <functional>
#include <optional>

#include "data/loader.h"
#include "training/averages.h"
#include "training/optimizer.h"

namespace cifar10 {

// What an update spends its time on. On a GPU operations are queued: the time is where they are waited for.
struct UpdateSeconds {
  double forward = 0;  // and the loss
  double backward = 0;
};

struct UpdateOutcome {
  double loss;                     // mean per image, with label smoothing
  std::optional<double> accuracy;  // absent where the labels are mixed
  at::Tensor logits;               // float32 [B,10], before the update
  UpdateSeconds seconds;
};

// When an update takes place in its run.
struct UpdateMoment {
  int64_t step;   // from 0
  int64_t steps;  // of the run
  LrFactors factors;
};

class Updater {
 public:
  // Keeps references to both. `make_model`: another instance of the model on its device, for an average of
  // its weights. `seed`: of dropout.
  Updater(Model& model, const UpdateOptions& options, at::ScalarType dtype, uint64_t seed,
          const std::function<std::shared_ptr<Model>()>& make_model);

  // Changes the model's weights. Errors: TRAINING_DIVERGED for a loss that is not finite; the weights then
  // stay as they are, but for the running statistics of norms.
  UpdateOutcome update(const Batch& batch, const UpdateMoment& moment);

  // `lr` of the optimizer's options, at the schedule's peak.
  double peak_lr() const;

  // The weights to test and keep: the moving average, where there is one.
  Model& evaluated();
  // A run that ends early, after update `step`, ends on lookahead's slow weights, as any other.
  void finish(int64_t step);

  // Beside the model's: `optimizer.…`, `ema.…`, `lookahead.…`.
  std::vector<NamedTensor> state() const;
  // Errors: CHECKPOINT_MISMATCH.
  void load_state(const std::vector<NamedTensor>& state, bool has_stepped);

 private:
  UpdateOutcome backward(const Batch& batch, const UpdateMoment& moment);
  at::Tensor loss_of(const at::Tensor& logits, const Batch& batch) const;

  Model& model_;
  const UpdateOptions& options_;
  uint64_t seed_;
  Optimizer optimizer_;
  std::optional<Ema> ema_;
  std::optional<Lookahead> lookahead_;
};

}  // namespace cifar10
