#include "training/trainer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/augment.h"
#include "data/loader.h"
#include "error.h"
#include "runtime.h"
#include "stopwatch.h"
#include "torch_api.h"
#include "training/divergence.h"
#include "training/named_state.h"
#include "training/save_schedule.h"
#include "training/schedule.h"
#include "training/updater.h"

namespace cifar10 {
namespace {

// A fraction of an epoch is rounded up to whole steps; the margin keeps 2.2 · 25 at 55 despite binary
// fractions.
int64_t steps_of(double epochs, int64_t steps_per_epoch) {
  return std::max<int64_t>(
      1, static_cast<int64_t>(std::ceil(epochs * static_cast<double>(steps_per_epoch) - 1e-6)));
}

constexpr const char* kBest = "best.";

class Trainer {
 public:
  // Needs `resume` no longer than the call.
  Trainer(const TrainOptions& options, const std::optional<TrainingState>& resume, TrainObserver& observer,
          const std::atomic<bool>& stop)
      : options_(options),
        observer_(observer),
        stop_(stop),
        runtime_(start_runtime(options.runtime)),
        split_(
            split_validation(read_records(options.data.train_files), options.data.validation, options.seed)),
        val_(split_.val.to(runtime_.device)),
        test_(read_records(options.data.test_files).to(runtime_.device)),
        loader_(split_.train.to(runtime_.device), options.data.loader, options.data.normalization,
                runtime_.dtype, options.seed),
        length_{steps_of(options.epochs, loader_.batches_per_epoch()), loader_.batches_per_epoch()},
        model_(make_model(options.model, options.seed)),
        saves_(options.save) {
    if (resume) {
      progress_ = resume->progress;
      check_progress(progress_, loader_, length_.steps);
      load_state(*model_, resume->model);
      best_ = without_prefix(kBest, resume->extra);
      check_best();
    } else {
      calibrate();
    }
    saves_.restart(progress_.step);
    model_->to(runtime_.device);
    updater_.emplace(*model_, options.update, runtime_.dtype, options.seed,
                     [this] { return another_model(); });
    if (resume) updater_->load_state(resume->extra, /*has_stepped=*/progress_.step > 0);
  }

  TrainOutcome run() {
    announce();
    try {
      while (true) {
        // A training resumed between an epoch's last step and its event begins with that event.
        if (progress_.epoch.steps > 0 && is_at_epoch_edge()) finish_epoch();
        if (progress_.step == length_.steps || progress_.has_ended_early) return test();
        take_what_is_to_keep();
        if (stop_) throw Stopped{};
        take_step();
      }
    } catch (const Stopped&) {
      return state();
    } catch (const Error& error) {
      if (error.code() != "TRAINING_DIVERGED") throw;
      return Diverged{error, std::move(last_good_)};
    }
  }

 private:
  void calibrate() {
    const int64_t images = std::min(model_->calibration_images(), split_.train.size());
    if (images == 0) return;
    const auto first = split_.train.images.narrow(0, 0, images);
    model_->calibrate(normalize(first, options_.data.normalization, torch::kFloat32));
  }

  // Otherwise it would come to light after the last step.
  void check_best() const {
    if (best_.empty() != (progress_.best.epoch == 0) || (!best_.empty() && !options_.best))
      throw Error(
          "CHECKPOINT_MISMATCH",
          "the state to resume from, weights of the best epoch: expected them where a best epoch is kept, "
          "found " +
              std::to_string(best_.size()) + " tensors after epoch " + std::to_string(progress_.best.epoch),
          "resume with the configuration that the training was started with");
    if (!best_.empty()) load_state(*make_model(options_.model, options_.seed), best_);
  }

  std::shared_ptr<Model> another_model() const {
    auto model = make_model(options_.model, options_.seed);
    model->to(runtime_.device);
    return model;
  }

  void announce() {
    observer_.on_start({.device = runtime_.device.str(),
                        .threads = runtime_.threads,
                        .precision = options_.runtime.precision,
                        .train_images = split_.train.size(),
                        .val_images = split_.val.size(),
                        .test_images = test_.size(),
                        .steps_per_epoch = length_.steps_per_epoch,
                        .steps = length_.steps,
                        .step = progress_.step,
                        .parameters = parameter_count(*model_)});
  }

  TrainingState state() const {
    auto extra = updater_->state();
    append(extra, with_prefix(kBest, best_));
    return {progress_, state_of(*model_), std::move(extra)};
  }

  bool is_at_epoch_edge() const {
    return is_epoch_edge(progress_.step, length_.steps_per_epoch, length_.steps);
  }

  void take_step() {
    const Stopwatch watch;
    const int64_t step = progress_.step;
    const int64_t epoch = step / length_.steps_per_epoch;
    if (epoch != started_epoch_) loader_.start_epoch(epoch);
    started_epoch_ = epoch;
    const auto factors = lr_factors(step);
    freeze_short_lived(step);
    const auto batch = loader_.batch(step % length_.steps_per_epoch);
    const auto outcome = updater_->update(batch, {step, length_.steps, factors});
    prove();
    report_step({.step = step + 1,
                 .epoch = epoch + 1,
                 .loss = outcome.loss,
                 .accuracy = outcome.accuracy,
                 .lr = factors.all,
                 .images = batch.labels.size(0),
                 .images_per_second = 0},  // known when the whole step is over
                watch);
  }

  // Between two steps, behind an epoch's event: a training that goes on from this state begins with a step.
  void take_what_is_to_keep() {
    if (is_best_new_ && observer_.can_keep_best()) {
      observer_.on_best(progress_.best.epoch, best_);
      is_best_new_ = false;
    }
    if (!saves_.is_due(progress_.step) || !observer_.can_keep_state()) return;
    if (!unproven_) unproven_ = state();
    is_to_keep_ = true;
    saves_.restart(progress_.step);
  }

  // The loss of a step was finite: so were the weights that it began with.
  void prove() {
    if (!unproven_) return;
    last_good_ = std::exchange(unproven_, std::nullopt);
    if (std::exchange(is_to_keep_, false)) observer_.on_state(*last_good_);
  }

  // Once frozen it needs no gradient, and nothing before the next layer does.
  void freeze_short_lived(int64_t step) {
    if (auto parameter = model_->short_lived().parameter; parameter.defined())
      parameter.set_requires_grad(static_cast<double>(step) < short_steps());
  }

  double short_steps() const {
    return model_->short_lived().epochs * static_cast<double>(length_.steps_per_epoch);
  }

  LrFactors lr_factors(int64_t step) const {
    const double all = lr_factor(options_.schedule, step, length_);
    const double position = static_cast<double>(step);
    if (position >= short_steps()) return {all, 0};
    return {all, model_->short_lived().decays ? 1 - position / short_steps() : all};
  }

  void report_step(StepEvent event, const Stopwatch& watch) {
    const double seconds = watch.seconds();
    event.images_per_second = static_cast<double>(event.images) / seconds;
    progress_.step += 1;
    progress_.trained_images += event.images;
    progress_.train_seconds += seconds;
    auto& totals = progress_.epoch;
    totals.steps += 1;
    const double images = static_cast<double>(event.images);
    totals.images += event.images;
    totals.loss += event.loss * images;
    totals.accuracy += event.accuracy.value_or(0) * images;
    totals.seconds += seconds;
    observer_.on_step(event);
  }

  void finish_epoch() {
    const auto& totals = progress_.epoch;
    const double images = static_cast<double>(totals.images);
    const int64_t epoch = (progress_.step - 1) / length_.steps_per_epoch + 1;
    EpochFigures figures{totals.loss / images, std::nullopt, std::nullopt};
    if (!loader_.mixes_labels()) figures.accuracy = totals.accuracy / images;
    if (is_validated(epoch, figures)) {
      figures.val = evaluate(updater_->evaluated(), val_, evaluate_options(0), stop_, {}).metrics;
      expect_finite("cross-entropy in validation", figures.val->cross_entropy);
    }
    observer_.on_epoch({.epoch = epoch,
                        .step = progress_.step,
                        .loss = figures.loss,
                        .accuracy = figures.accuracy,
                        .val = figures.val,
                        .duration_seconds = totals.seconds});
    progress_.epoch = {};
    judge(epoch, figures);
    unproven_ = state();
  }

  bool is_validated(int64_t epoch, const EpochFigures& figures) const {
    const bool is_last = progress_.step == length_.steps || would_end(epoch, figures);
    return val_.size() > 0 && (is_last || epoch % options_.val_interval == 0);
  }

  // As judge() will find by a figure of the training.
  bool would_end(int64_t epoch, const EpochFigures& figures) const {
    const auto& stopping = options_.early_stopping;
    if (!stopping) return false;
    auto followed = progress_.stopping;
    follow(followed, stopping->monitor, stopping->min_delta, epoch, figures);
    return followed.stale > stopping->patience;
  }

  // The last update before an evaluation has no loss behind it that would show where it led.
  void expect_finite(const char* figure, double value) const {
    if (std::isfinite(value)) return;
    const double share = lr_factors(progress_.step - 1).all;
    throw diverged(figure, value, progress_.step, updater_->peak_lr() * share, share);
  }

  // Keeps the weights of a best epoch; ends a training that has stopped improving.
  void judge(int64_t epoch, const EpochFigures& figures) {
    if (options_.best && follow(progress_.best, *options_.best, 0, epoch, figures)) {
      best_ = state_of(updater_->evaluated());
      is_best_new_ = true;
    }
    const auto& stopping = options_.early_stopping;
    if (!stopping || progress_.step == length_.steps) return;
    follow(progress_.stopping, stopping->monitor, stopping->min_delta, epoch, figures);
    progress_.has_ended_early = progress_.stopping.stale > stopping->patience;
    if (progress_.has_ended_early) updater_->finish(progress_.step);
  }

  TrainResult test() {
    const Stopwatch watch;
    const auto progress = [&](int64_t done, int64_t total) { observer_.on_test_progress(done, total); };
    const auto model = tested_model();
    const auto evaluation = evaluate(*model, test_, evaluate_options(options_.tta_level), stop_, progress);
    expect_finite("cross-entropy in the test", evaluation.metrics.cross_entropy);
    return {.test = evaluation,
            .steps = progress_.step,
            .has_ended_early = progress_.has_ended_early,
            .best_epoch = best_.empty() ? std::nullopt : std::optional(progress_.best.epoch),
            .trained_images = progress_.trained_images,
            .train_seconds = progress_.train_seconds,
            .test_seconds = watch.seconds(),
            .images_per_second = static_cast<double>(progress_.trained_images) / progress_.train_seconds,
            .state = state_of(*model)};
  }

  // Never the trained model itself: a test that is stopped must leave the state of the training as it is.
  std::shared_ptr<Model> tested_model() {
    auto model = another_model();
    load_state(*model, best_.empty() ? state_of(updater_->evaluated()) : best_);
    return model;
  }

  EvaluateOptions evaluate_options(int64_t tta_level) const {
    return {options_.data.normalization, dtype_of(options_.eval_precision), options_.eval_batch_size,
            tta_level};
  }

  const TrainOptions& options_;
  TrainObserver& observer_;
  const std::atomic<bool>& stop_;
  Runtime runtime_;
  Split split_;
  Dataset val_;
  Dataset test_;
  TrainLoader loader_;
  RunLength length_;
  std::shared_ptr<Model> model_;
  std::optional<Updater> updater_;  // made when the model is on its device
  Progress progress_;
  std::vector<NamedTensor> best_;  // weights of the best epoch so far
  bool is_best_new_ = false;       // nobody has been told of it
  SaveSchedule saves_;
  std::optional<TrainingState> unproven_;  // at the end of the last epoch or due, before the next step
  bool is_to_keep_ = false;                // unproven_
  std::optional<TrainingState> last_good_;
  int64_t started_epoch_ = -1;  // by the loader
};

}  // namespace

TrainOutcome train(const TrainOptions& options, std::optional<TrainingState> resume, TrainObserver& observer,
                   const std::atomic<bool>& stop) {
  struct ReleaseMemory {
    ~ReleaseMemory() { release_cached_memory(); }
  } release;  // declared first, so that it runs when the trainer's tensors are gone
  Trainer trainer(options, resume, observer, stop);
  resume.reset();  // its tensors are copied, and as large as the model
  return trainer.run();
}

}  // namespace cifar10
