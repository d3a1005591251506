// Owns what a stopped training hands out and a resumed one starts from, and the check that it belongs to the
// run at hand. There is no random state in it: the data order follows from the step.
#pragma once

#include <cstdint>
#include <vector>

#include "data/loader.h"
#include "models/model.h"
#include "training/monitor.h"

namespace cifar10 {

// Sums over the images since the last epoch event. `accuracy` stays 0 where the labels are mixed.
struct EpochTotals {
  int64_t steps = 0;
  int64_t images = 0;
  double loss = 0;
  double accuracy = 0;
  double seconds = 0;
};

// How far a training has come. Where an epoch ends, `epoch.steps` above 0 means that its validation and its
// event are still to come.
struct Progress {
  int64_t step = 0;  // completed optimizer updates
  int64_t trained_images = 0;
  double train_seconds = 0;
  EpochTotals epoch;
  Best best;                     // by TrainOptions::best
  Best stopping;                 // by TrainOptions::early_stopping
  bool has_ended_early = false;  // only the test is still to come
};

struct TrainingState {
  Progress progress;
  std::vector<NamedTensor> model;
  // Beside the model: what Updater::state tells, and `best.…`, the weights of the best epoch.
  std::vector<NamedTensor> extra;
};

// Whether an epoch ends after `step` completed steps, or begins; the last one may be cut short by the run's
// end.
inline bool is_epoch_edge(int64_t step, int64_t steps_per_epoch, int64_t total_steps) {
  return step % steps_per_epoch == 0 || step == total_steps;
}

// Errors: CHECKPOINT_MISMATCH when a run of `total_steps` with this loader cannot have come to `progress`.
void check_progress(const Progress& progress, const TrainLoader& loader, int64_t total_steps);

}  // namespace cifar10
