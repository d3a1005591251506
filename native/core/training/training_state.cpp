#include "training/training_state.h"

#include <string>

#include "error.h"

namespace cifar10 {
namespace {

Error wrong_state(const std::string& what, const std::string& expected, const std::string& found) {
  return {"CHECKPOINT_MISMATCH",
          "the state to resume from, " + what + ": expected " + expected + ", found " + found,
          "resume with the configuration and the dataset that the training was started with"};
}

// NaN is refused too.
void expect_not_negative(const char* what, double value) {
  if (!(value >= 0)) throw wrong_state(what, "at least 0", std::to_string(value));
}

}  // namespace

void check_progress(const Progress& progress, const TrainLoader& loader, int64_t total_steps) {
  const int64_t step = progress.step;
  if (step < 0 || step > total_steps)
    throw wrong_state("completed steps", "0 to " + std::to_string(total_steps), std::to_string(step));
  const int64_t images = loader.images_before(step);
  if (progress.trained_images != images)
    throw wrong_state("images trained on in " + std::to_string(step) + " steps", std::to_string(images),
                      std::to_string(progress.trained_images));
  const int64_t steps_per_epoch = loader.batches_per_epoch();
  const int64_t epoch_steps = step == 0 ? 0 : (step - 1) % steps_per_epoch + 1;
  const bool is_edge = is_epoch_edge(step, steps_per_epoch, total_steps);
  if (progress.epoch.steps != epoch_steps && !(is_edge && progress.epoch.steps == 0))
    throw wrong_state("steps since the last epoch",
                      std::to_string(epoch_steps) + (is_edge && step > 0 ? " or 0" : ""),
                      std::to_string(progress.epoch.steps));
  const int64_t epoch_images = loader.images_before(step) - loader.images_before(step - progress.epoch.steps);
  if (progress.epoch.images != epoch_images)
    throw wrong_state("images since the last epoch", std::to_string(epoch_images),
                      std::to_string(progress.epoch.images));
  if (progress.has_ended_early && !is_edge)
    throw wrong_state("a training that ended early", "the end of an epoch", "step " + std::to_string(step));
  expect_not_negative("seconds of training", progress.train_seconds);
  expect_not_negative("seconds since the last epoch", progress.epoch.seconds);
}

}  // namespace cifar10
