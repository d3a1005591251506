#include "training/monitor.h"

#include <cmath>
#include <stdexcept>

namespace cifar10 {
namespace {

std::optional<double> value_of(Monitor monitor, const EpochFigures& figures) {
  const auto& val = figures.val;
  switch (monitor) {
    case Monitor::kValLoss:
      return val ? std::optional(val->cross_entropy) : std::nullopt;
    case Monitor::kValAccuracy:
      return val ? std::optional(val->accuracy) : std::nullopt;
    case Monitor::kTrainLoss:
      return figures.loss;
    case Monitor::kTrainAccuracy:
      return figures.accuracy.value();
  }
  throw std::logic_error("unreachable: unknown monitor");
}

bool is_better(Monitor monitor, double value, double than, double min_delta) {
  const bool rises = monitor == Monitor::kValAccuracy || monitor == Monitor::kTrainAccuracy;
  return rises ? value > than + min_delta : value < than - min_delta;
}

}  // namespace

bool follow(Best& best, Monitor monitor, double min_delta, int64_t epoch, const EpochFigures& figures) {
  const auto value = value_of(monitor, figures);
  if (!value) return false;
  const bool improves =
      !std::isnan(*value) && (!best.value || is_better(monitor, *value, *best.value, min_delta));
  if (!improves) {
    best.stale += 1;
    return false;
  }
  best = {value, epoch, 0};
  return true;
}

}  // namespace cifar10
