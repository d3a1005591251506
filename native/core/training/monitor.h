// Owns following one figure from epoch to epoch: which epoch was best, and for how long nothing has improved.
#pragma once

#include <cstdint>
#include <optional>

#include "evaluation/metrics.h"
#include "training/training_options.h"

namespace cifar10 {

// What an epoch has shown.
struct EpochFigures {
  double loss;                     // mean over its images, in training
  std::optional<double> accuracy;  // absent where the labels are mixed
  std::optional<Metrics> val;      // absent where the epoch was not validated
};

// The best value so far; part of a training's state.
struct Best {
  std::optional<double> value;
  int64_t epoch = 0;  // from 1; 0: none yet
  int64_t stale = 0;  // looks at the figure since then
};

// Takes the figures of the next epoch in. True: they are the best so far, by more than `min_delta`. A figure
// that is NaN never is; an epoch without a validation changes nothing where one is monitored. Accuracy in
// training must be there where it is: labels are not mixed.
bool follow(Best& best, Monitor monitor, double min_delta, int64_t epoch, const EpochFigures& figures);

}  // namespace cifar10
