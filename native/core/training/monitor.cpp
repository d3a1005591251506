#include "training/monitor.h"

#include <stdexcept>

namespace cifar10 {
namespace {

double value_of(Monitor monitor, const EpochFigures& figures) {
  switch (monitor) {
    case Monitor::kValLoss:
      return figures.val.value().cross_entropy;
    case Monitor::kValAccuracy:
      return figures.val.value().accuracy;
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
  const double value = value_of(monitor, figures);
  const bool improves = value == value && (!best.value || is_better(monitor, value, *best.value, min_delta));
  if (!improves) {
    best.stale += 1;
    return false;
  }
  best = {value, epoch, 0};
  return true;
}

}  // namespace cifar10
