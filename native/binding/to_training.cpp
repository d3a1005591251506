// Owns reading how to train, and from which state.
#include "convert.h"
#include "read_js.h"

using namespace cifar10;

namespace {

SgdOptions to_sgd(const Napi::Object& options) {
  return {.lr = number(options, "lr"),
          .momentum = number(options, "momentum"),
          .nesterov = boolean(options, "nesterov"),
          .weight_decay = number(options, "weightDecay"),
          .decay_norms_and_biases = boolean(options, "decayNormsAndBiases"),
          .norm_lr_scale = number(options, "normLrScale")};
}

AdamOptions to_adam(const Napi::Object& options) {
  const auto betas = numbers(field(options, "betas"));
  return {.lr = number(options, "lr"),
          .beta1 = betas.at(0),
          .beta2 = betas.at(1),
          .epsilon = number(options, "epsilon"),
          .weight_decay = number(options, "weightDecay"),
          .decouples_weight_decay = text(options, "name") == "adamw",
          .decay_norms_and_biases = boolean(options, "decayNormsAndBiases")};
}

MuonOptions to_muon(const Napi::Object& options) {
  const auto companion = child(options, "companion");
  return {.lr = number(options, "lr"),
          .momentum = number(options, "momentum"),
          .newton_schulz_steps = integer(options, "newtonSchulzSteps"),
          .companion = {.vector_lr = number(companion, "vectorLr"),
                        .head_lr = number(companion, "headLr"),
                        .momentum = number(companion, "momentum"),
                        .weight_decay = number(companion, "weightDecay")}};
}

OptimizerOptions to_optimizer_options(const Napi::Object& options) {
  const auto name = text(options, "name");
  if (name == "sgd") return to_sgd(options);
  if (name == "muon") return to_muon(options);
  if (name == "adam" || name == "adamw") return to_adam(options);
  throw Napi::TypeError::New(options.Env(), "unknown optimizer: " + name);
}

std::optional<LookaheadOptions> to_lookahead(const Napi::Object& options) {
  if (field(options, "steps").IsNull()) return std::nullopt;
  return LookaheadOptions{.steps = integer(options, "steps"),
                          .decay = number(options, "decay"),
                          .power = number(options, "power")};
}

decltype(ScheduleOptions::shape) to_shape(const Napi::Object& schedule) {
  const auto name = text(schedule, "name");
  const auto value = [&](const char* key) { return number(schedule, key); };
  if (name == "constant") return ConstantSchedule{};
  if (name == "linear") return LinearSchedule{value("finalFraction")};
  if (name == "cosine") return CosineSchedule{value("finalFraction")};
  if (name == "step") return StepSchedule{value("stepEpochs"), value("gamma")};
  if (name == "multi_step") return MultiStepSchedule{numbers(field(schedule, "milestones")), value("gamma")};
  if (name == "one_cycle")
    return OneCycleSchedule{value("startFraction"), value("peakFraction"), value("finalFraction"),
                            text(schedule, "anneal") == "cosine"};
  if (name == "triangular")
    return TriangularSchedule{value("startFraction"), value("peakFraction"), value("finalFraction")};
  throw Napi::TypeError::New(schedule.Env(), "unknown schedule: " + name);
}

std::optional<EarlyStoppingOptions> to_early_stopping(const Napi::Object& options) {
  if (text(options, "monitor") == "none") return std::nullopt;
  return EarlyStoppingOptions{.monitor = one_of<Monitor>(options, "monitor",
                                                         {{"val_loss", Monitor::kValLoss},
                                                          {"val_accuracy", Monitor::kValAccuracy},
                                                          {"train_loss", Monitor::kTrainLoss},
                                                          {"train_accuracy", Monitor::kTrainAccuracy}}),
                              .patience = integer(options, "patience"),
                              .min_delta = number(options, "minDelta")};
}

std::optional<Monitor> to_best(const Napi::Object& training) {
  if (text(training, "select") == "last") return std::nullopt;
  return one_of<Monitor>(
      training, "select",
      {{"best_val_loss", Monitor::kValLoss}, {"best_val_accuracy", Monitor::kValAccuracy}});
}

SaveOptions to_save_options(const Napi::Object& checkpoint) {
  const auto minutes = optional_number(checkpoint, "everyMinutes");
  return {.steps = optional_integer(checkpoint, "everySteps"),
          .seconds = minutes ? std::optional(60 * *minutes) : std::nullopt};
}

Best to_best_so_far(const Napi::Object& best) {
  return {.value = optional_number(best, "value"),
          .epoch = integer(best, "epoch"),
          .stale = integer(best, "staleLooks")};
}

Progress to_progress(const Napi::Object& resume) {
  const auto totals = child(resume, "epochTotals");
  return {.step = integer(resume, "step"),
          .trained_images = integer(resume, "trainedImages"),
          .train_seconds = number(resume, "trainSeconds"),
          .epoch = {.steps = integer(totals, "steps"),
                    .images = integer(totals, "images"),
                    .loss = number(totals, "loss"),
                    .accuracy = number(totals, "accuracy"),
                    .seconds = number(totals, "seconds")},
          .best = to_best_so_far(child(resume, "best")),
          .stopping = to_best_so_far(child(resume, "stopping")),
          .has_ended_early = boolean(resume, "hasEndedEarly")};
}

}  // namespace

ScheduleOptions to_schedule_options(const Napi::Object& schedule) {
  const auto name = text(schedule, "name");
  const bool has_own_rise = name == "one_cycle" || name == "triangular";
  return {.warmup_fraction = has_own_rise ? 0 : number(schedule, "warmupFraction"),
          .shape = to_shape(schedule)};
}

UpdateOptions to_update_options(const Napi::Object& training) {
  return {.optimizer = to_optimizer_options(child(training, "optimizer")),
          .label_smoothing = number(training, "labelSmoothing"),
          .loss_reduction = one_of<LossReduction>(
              training, "lossReduction", {{"sum", LossReduction::kSum}, {"mean", LossReduction::kMean}}),
          .accumulation_steps = integer(training, "accumulationSteps"),
          .gradient_clip_norm = optional_number(training, "gradientClipNorm"),
          .ema_decay = optional_number(training, "emaDecay"),
          .lookahead = to_lookahead(child(training, "lookahead"))};
}

TrainOptions to_train_options(const Napi::Object& options) {
  const auto config = child(options, "config");
  const auto data_loading = child(config, "dataLoading");
  const auto training = child(config, "training");
  return {.data = {.train_files = to_strings(field(options, "trainFiles")),
                   .test_files = to_strings(field(options, "testFiles")),
                   .validation = to_validation(data_loading),
                   .loader = to_loader_options(data_loading),
                   .normalization = to_normalization_options(child(data_loading, "normalization"))},
          .model = to_model_options(child(config, "model")),
          .update = to_update_options(training),
          .schedule = to_schedule_options(child(training, "schedule")),
          .runtime = to_runtime_options(training),
          .eval_precision = to_precision(training, "evalPrecision"),
          .seed = static_cast<uint64_t>(integer(training, "seed")),
          .epochs = number(training, "epochs"),
          .save = to_save_options(child(training, "checkpoint")),
          .early_stopping = to_early_stopping(child(training, "earlyStopping")),
          .best = to_best(training),
          .tta_level = integer(training, "ttaLevel"),
          .eval_batch_size = integer(training, "evalBatchSize"),
          .val_interval = integer(training, "valInterval")};
}

std::optional<TrainingState> to_resume(const Napi::Object& options) {
  if (field(options, "resume").IsNull()) return std::nullopt;
  const auto resume = child(options, "resume");
  return TrainingState{.progress = to_progress(resume),
                       .model = to_state(field(resume, "model")),
                       .extra = to_state(field(resume, "extra"))};
}
