#include "training/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cifar10 {
namespace {

// From `from` at 0 to `to` at 1.
double along_line(double from, double to, double progress) { return from + (to - from) * progress; }

double along_cosine(double from, double to, double progress) {
  return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

// Behind the warm-up.
struct Shape {
  double step;  // from the beginning of the run
  double warmup_steps;
  RunLength length;

  double steps() const { return static_cast<double>(length.steps); }
  double progress() const { return (step - warmup_steps) / (steps() - warmup_steps); }
  // The margin keeps a drop at the first step of its epoch despite binary fractions.
  double epoch() const { return step / static_cast<double>(length.steps_per_epoch) + 1e-9; }

  double operator()(const ConstantSchedule&) const { return 1; }
  double operator()(const LinearSchedule& o) const { return along_line(1, o.final_fraction, progress()); }
  double operator()(const CosineSchedule& o) const { return along_cosine(1, o.final_fraction, progress()); }
  double operator()(const StepSchedule& o) const {
    return std::pow(o.gamma, std::floor(epoch() / o.step_epochs));
  }
  double operator()(const MultiStepSchedule& o) const {
    const auto passed =
        std::ranges::count_if(o.milestones, [&](double milestone) { return epoch() >= milestone; });
    return std::pow(o.gamma, static_cast<double>(passed));
  }
  double operator()(const OneCycleSchedule& o) const {
    const double peak = o.peak_fraction * steps() - 1;
    const double end = steps() - 1;
    const bool rises = step <= peak;
    const double progress = rises ? (peak > 0 ? step / peak : 1) : (step - peak) / (end - peak);
    const double from = rises ? o.start_fraction : 1;
    const double to = rises ? 1 : o.final_fraction;
    return o.anneals_by_cosine ? along_cosine(from, to, progress) : along_line(from, to, progress);
  }
  double operator()(const TriangularSchedule& o) const {
    const double peak = std::floor(o.peak_fraction * steps());
    if (step < peak) return along_line(o.start_fraction, 1, step / peak);
    return along_line(1, o.final_fraction, (step - peak) / (steps() - peak));
  }
};

}  // namespace

double lr_factor(const ScheduleOptions& options, int64_t step, const RunLength& length) {
  const double warmup_steps = options.warmup_fraction * static_cast<double>(length.steps);
  const double position = static_cast<double>(step);
  if (position < warmup_steps) return std::min(1.0, (position + 1) / warmup_steps);
  return std::visit(Shape{position, warmup_steps, length}, options.shape);
}

}  // namespace cifar10
