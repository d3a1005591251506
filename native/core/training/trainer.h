// Owns the training loop: from options, or the state of a stopped training, to a trained and tested model or
// to the next such state. Reads top to bottom like the recipe it runs. Knows nothing of files but the
// dataset, nor of who listens.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "error.h"
#include "evaluation/evaluate.h"
#include "models/model.h"
#include "training/training_options.h"
#include "training/training_state.h"

namespace cifar10 {

struct StartEvent {
  std::string device;  // "cpu", "cuda:0"
  int64_t threads;
  Precision precision;
  int64_t train_images;
  int64_t val_images;
  int64_t test_images;
  int64_t steps_per_epoch;
  int64_t steps;
  int64_t step;  // completed before: above 0 when the training is resumed
  int64_t parameters;
};

struct StepEvent {
  int64_t step;                    // from 1
  int64_t epoch;                   // from 1
  double loss;                     // of this batch, mean per image, with label smoothing
  std::optional<double> accuracy;  // absent where the labels are mixed
  double lr;                       // share of the peak
  int64_t images;                  // in this batch
  double images_per_second;
};

struct EpochEvent {
  int64_t epoch;  // from 1
  int64_t step;
  double loss;                     // mean over the epoch's images
  std::optional<double> accuracy;  // absent where the labels are mixed
  std::optional<Metrics> val;
  double duration_seconds;  // training only
};

// Called on the training thread.
class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  virtual void on_start(const StartEvent& event) = 0;
  virtual void on_step(const StepEvent& event) = 0;
  virtual void on_epoch(const EpochEvent& event) = 0;
  virtual void on_test_progress(int64_t done, int64_t total) = 0;

  // A state to go on from, when SaveOptions say so, whose weights a finite loss has proven good since. Only
  // where there is none that it is still busy with: else the training asks again after its next step.
  virtual bool can_keep_state() const = 0;
  virtual void on_state(const TrainingState& state) = 0;
  // The weights of a new best epoch, by TrainOptions::best; likewise.
  virtual bool can_keep_best() const = 0;
  virtual void on_best(int64_t epoch, const std::vector<NamedTensor>& weights) = 0;
};

struct TrainResult {
  Evaluation test;
  int64_t steps;  // fewer than planned where the training ended early
  bool has_ended_early;
  std::optional<int64_t> best_epoch;  // whose weights were tested and kept; absent: the last
  int64_t trained_images;
  double train_seconds;  // forward, backward, update and batches; no evaluation
  double test_seconds;
  double images_per_second;  // of training
  std::vector<NamedTensor> state;
};

// A loss, or a cross-entropy in an evaluation, that was not finite. What was good is not lost: `last_good` is
// the last state, of an epoch's end or one that was due to be kept, behind which a finite loss came since the
// start or the resumption; absent if there is none.
struct Diverged {
  Error error;
  std::optional<TrainingState> last_good;
};

using TrainOutcome = std::variant<TrainResult, TrainingState, Diverged>;

// Runs a training to its end, or to its state within one step of `stop` being set. Resumed from that state
// with the same options it goes on as if it had never stopped: its events are those that were still to come,
// and an evaluation that was cut short is done again. On the CPU the same options and threads give the same
// weights, bit for bit, however often the training was stopped. Errors: CHECKPOINT_MISMATCH when `resume` is
// the state of another training, those of read_records, TrainLoader, start_runtime.
TrainOutcome train(const TrainOptions& options, std::optional<TrainingState> resume, TrainObserver& observer,
                   const std::atomic<bool>& stop);

}  // namespace cifar10
