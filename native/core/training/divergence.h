// Owns the error of a training whose figures are no longer numbers.
#pragma once

#include <string>

#include "error.h"

namespace cifar10 {

// TRAINING_DIVERGED. `figure`: which one was not finite. `lr`: of training.optimizer at `step` (from 1),
// `share` of its peak.
Error diverged(const std::string& figure, double value, int64_t step, double lr, double share);

}  // namespace cifar10
