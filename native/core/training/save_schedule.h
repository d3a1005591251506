// Owns when the state of a training is due to be kept.
#pragma once

#include <cstdint>

#include "stopwatch.h"
#include "training/training_options.h"

namespace cifar10 {

class SaveSchedule {
 public:
  explicit SaveSchedule(const SaveOptions& options) : options_(options) {}

  // Due after steps that are multiples of the interval, however many steps late the last state was taken.
  bool is_due(int64_t step) const {
    const auto& [steps, seconds] = options_;
    return (steps && step / *steps > last_step_ / *steps) ||
           (seconds && step > last_step_ && watch_.seconds() >= *seconds);
  }
  // From `step` completed steps on, and from now on.
  void restart(int64_t step) {
    last_step_ = step;
    watch_ = Stopwatch();
  }

 private:
  SaveOptions options_;
  int64_t last_step_ = 0;
  Stopwatch watch_;
};

}  // namespace cifar10
