#include "training/trainer.h"

#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "data/augment.h"
#include "data/loader.h"
#include "error.h"
#include "runtime.h"
#include "training/optimizer.h"
#include "training/schedule.h"

namespace cifar10 {
namespace {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

// A fraction of an epoch is rounded up to whole steps; the margin keeps 2.2 · 25 at 55 despite binary
// fractions.
int64_t steps_of(double epochs, int64_t steps_per_epoch) {
  return std::max<int64_t>(
      1, static_cast<int64_t>(std::ceil(epochs * static_cast<double>(steps_per_epoch) - 1e-6)));
}

Error diverged(int64_t step, double loss) {
  return {"TRAINING_DIVERGED",
          "the training diverged at step " + std::to_string(step) + ": expected a finite loss, found " +
              std::to_string(loss),
          "lower the learning rates under training.optimizer"};
}

class Trainer {
 public:
  // Needs `resume` no longer than the call.
  Trainer(const TrainOptions& options, const std::optional<TrainingState>& resume, TrainObserver& observer,
          const std::atomic<bool>& stop)
      : options_(options),
        observer_(observer),
        stop_(stop),
        runtime_(start_runtime(options.runtime)),
        split_(split_validation(read_records(options.data.train_files), options.data.val_size, options.seed)),
        val_(split_.val.to(runtime_.device)),
        test_(read_records(options.data.test_files).to(runtime_.device)),
        loader_(split_.train.to(runtime_.device), options.data.loader, options.data.normalization,
                runtime_.dtype, options.seed),
        total_steps_(steps_of(options.epochs, loader_.batches_per_epoch())),
        model_(make_model(options.model, options.seed)) {
    if (resume) {
      progress_ = resume->progress;
      check_progress(progress_, loader_, total_steps_);
      load_state(*model_, resume->model);
    } else {
      calibrate();
    }
    model_->to(runtime_.device);
    optimizer_.emplace(*model_, options.optimizer, runtime_.dtype);
    if (resume) optimizer_->load_state(resume->optimizer, /*has_stepped=*/progress_.step > 0);
  }

  TrainOutcome run() {
    announce();
    try {
      while (true) {
        // A training resumed between an epoch's last step and its event begins with that event.
        if (progress_.epoch.steps > 0 && is_at_epoch_edge()) finish_epoch();
        if (progress_.step == total_steps_) return test();
        if (stop_) throw Stopped{};
        take_step();
      }
    } catch (const Stopped&) {
      return TrainingState{progress_, state_of(*model_), optimizer_->state()};
    }
  }

 private:
  void calibrate() {
    const int64_t images = std::min(model_->calibration_images(), split_.train.size());
    if (images == 0) return;
    const auto first = split_.train.images.narrow(0, 0, images);
    model_->calibrate(normalize(first, options_.data.normalization, torch::kFloat32));
  }

  void announce() {
    observer_.on_start({.device = runtime_.device.str(),
                        .threads = runtime_.threads,
                        .train_images = split_.train.size(),
                        .val_images = split_.val.size(),
                        .test_images = test_.size(),
                        .steps_per_epoch = loader_.batches_per_epoch(),
                        .steps = total_steps_,
                        .step = progress_.step,
                        .parameters = parameter_count(*model_)});
  }

  bool is_at_epoch_edge() const {
    return is_epoch_edge(progress_.step, loader_.batches_per_epoch(), total_steps_);
  }

  void take_step() {
    const Stopwatch watch;
    const int64_t epoch = progress_.step / loader_.batches_per_epoch();
    if (epoch != started_epoch_) loader_.start_epoch(epoch);
    started_epoch_ = epoch;
    const auto event = update(progress_.step, epoch);
    report_step(event, watch.seconds());
  }

  // One optimizer update: batch, forward, loss, backward, update.
  StepEvent update(int64_t step, int64_t epoch) {
    const auto factors = lr_factors(step);
    // Once frozen it needs no gradient, and nothing before the next layer does.
    if (auto parameter = model_->short_lived().parameter; parameter.defined())
      parameter.set_requires_grad(factors.short_lived > 0);
    model_->train();
    const auto batch = loader_.batch(step % loader_.batches_per_epoch());
    const auto logits = model_->forward(batch.images);
    const bool sums = options_.loss_reduction == LossReduction::kSum;
    const auto loss =
        at::cross_entropy_loss(logits, batch.labels, {}, sums ? at::Reduction::Sum : at::Reduction::Mean,
                               /*ignore_index=*/-100, options_.label_smoothing);
    optimizer_->zero_grad();
    loss.backward();
    optimizer_->step(factors);
    const double per_image = loss.item<double>() / static_cast<double>(sums ? batch.labels.size(0) : 1);
    if (!std::isfinite(per_image)) throw diverged(step + 1, per_image);
    return {.step = step + 1,
            .epoch = epoch + 1,
            .loss = per_image,
            .accuracy = accuracy(logits.detach(), batch.labels),
            .lr = factors.all,
            .images = batch.labels.size(0),
            .images_per_second = 0};  // known when the whole step is over
  }

  LrFactors lr_factors(int64_t step) const {
    const double all = lr_factor(options_.schedule, step, total_steps_);
    const double short_steps =
        model_->short_lived().epochs * static_cast<double>(loader_.batches_per_epoch());
    const double position = static_cast<double>(step);
    return {all, position < short_steps ? 1 - position / short_steps : 0};
  }

  void report_step(StepEvent event, double seconds) {
    event.images_per_second = static_cast<double>(event.images) / seconds;
    progress_.step += 1;
    progress_.trained_images += event.images;
    progress_.train_seconds += seconds;
    auto& totals = progress_.epoch;
    totals.steps += 1;
    totals.loss += event.loss;
    totals.accuracy += event.accuracy;
    totals.seconds += seconds;
    observer_.on_step(event);
  }

  void finish_epoch() {
    const auto& totals = progress_.epoch;
    EpochEvent event{.epoch = (progress_.step - 1) / loader_.batches_per_epoch() + 1,
                     .step = progress_.step,
                     .loss = totals.loss / static_cast<double>(totals.steps),
                     .accuracy = totals.accuracy / static_cast<double>(totals.steps),
                     .val = std::nullopt,
                     .duration_seconds = totals.seconds};
    if (val_.size() > 0) event.val = evaluate(*model_, val_, evaluate_options(0), stop_, {}).metrics;
    observer_.on_epoch(event);
    progress_.epoch = {};
  }

  TrainResult test() {
    const Stopwatch watch;
    const auto progress = [&](int64_t done, int64_t total) { observer_.on_test_progress(done, total); };
    const auto evaluation = evaluate(*model_, test_, evaluate_options(options_.tta_level), stop_, progress);
    return {.test = evaluation,
            .steps = total_steps_,
            .trained_images = progress_.trained_images,
            .train_seconds = progress_.train_seconds,
            .test_seconds = watch.seconds(),
            .images_per_second = static_cast<double>(progress_.trained_images) / progress_.train_seconds,
            .state = state_of(*model_)};
  }

  EvaluateOptions evaluate_options(int64_t tta_level) const {
    return {options_.data.normalization, runtime_.dtype, options_.eval_batch_size, tta_level};
  }

  const TrainOptions& options_;
  TrainObserver& observer_;
  const std::atomic<bool>& stop_;
  Runtime runtime_;
  Split split_;
  Dataset val_;
  Dataset test_;
  TrainLoader loader_;
  int64_t total_steps_;
  std::shared_ptr<Model> model_;
  std::optional<Optimizer> optimizer_;  // made when the model is on its device
  Progress progress_;
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
