// Owns the learning-rate schedules: pure functions of the step, without state.
#pragma once

#include <cstdint>

#include "training/training_options.h"

namespace cifar10 {

struct RunLength {
  int64_t steps;
  int64_t steps_per_epoch;
};

// Share of the peak lr at `step` (0 to length.steps − 1). A warm-up rises linearly, and its first step is not
// 0 but one part of it. Behind it
// - linear and cosine (arXiv 1608.03983, eq. 5) fall over the steps that are left, and would reach
//   `final_fraction` at length.steps, as torch.optim.lr_scheduler.CosineAnnealingLR does;
// - step and multi_step (StepLR, MultiStepLR) drop at epochs counted from the beginning of the run, warm-up
//   included;
// - one_cycle (arXiv 1708.07120) is OneCycleLR with start_fraction = 1/div_factor and
//   final_fraction = 1/(div_factor·final_div_factor): both ends are reached;
// - triangular is airbench94's: the peak lies at the whole step below peak_fraction·steps, its end at
//   length.steps.
double lr_factor(const ScheduleOptions& options, int64_t step, const RunLength& length);

}  // namespace cifar10
