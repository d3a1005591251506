// Owns the learning-rate schedules: pure functions of the step, without state.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "training/training_options.h"

namespace cifar10 {

// Share of the peak lr at `step` (0 to total_steps − 1): rises linearly over the warm-up, whose first step is
// not 0 but one part of it, then falls along the curve to `final_fraction`, which would be reached at
// total_steps.
inline double lr_factor(const ScheduleOptions& options, int64_t step, int64_t total_steps) {
  const double warmup_steps = options.warmup_fraction * static_cast<double>(total_steps);
  const double position = static_cast<double>(step);
  if (position < warmup_steps) return std::min(1.0, (position + 1) / warmup_steps);
  const double progress = (position - warmup_steps) / (static_cast<double>(total_steps) - warmup_steps);
  const double remaining =
      options.kind == ScheduleKind::kLinear
          ? 1 - progress
          : 0.5 * (1 + std::cos(std::numbers::pi * progress));  // arXiv 1608.03983, eq. 5
  return options.final_fraction + (1 - options.final_fraction) * remaining;
}

}  // namespace cifar10
