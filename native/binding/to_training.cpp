// Owns reading how to train, and from which state.
#include "convert.h"
#include "read_js.h"

using namespace cifar10;

namespace {

OptimizerOptions to_optimizer_options(const Napi::Object& options) {
  if (text(options, "name") == "sgd")
    return SgdOptions{.lr = number(options, "lr"),
                      .momentum = number(options, "momentum"),
                      .nesterov = boolean(options, "nesterov"),
                      .weight_decay = number(options, "weightDecay")};
  const auto companion = child(options, "companion");
  return MuonOptions{.lr = number(options, "lr"),
                     .momentum = number(options, "momentum"),
                     .newton_schulz_steps = integer(options, "newtonSchulzSteps"),
                     .companion = {.vector_lr = number(companion, "vectorLr"),
                                   .head_lr = number(companion, "headLr"),
                                   .momentum = number(companion, "momentum"),
                                   .weight_decay = number(companion, "weightDecay")}};
}

}  // namespace

ScheduleOptions to_schedule_options(const Napi::Object& schedule) {
  return {.kind = one_of<ScheduleKind>(
              schedule, "name", {{"linear", ScheduleKind::kLinear}, {"cosine", ScheduleKind::kCosine}}),
          .warmup_fraction = number(schedule, "warmupFraction"),
          .final_fraction = number(schedule, "finalFraction")};
}

TrainOptions to_train_options(const Napi::Object& options) {
  const auto config = child(options, "config");
  const auto data_loading = child(config, "dataLoading");
  const auto training = child(config, "training");
  return {.data = {.train_files = to_strings(field(options, "trainFiles")),
                   .test_files = to_strings(field(options, "testFiles")),
                   .val_size = integer(data_loading, "valSize"),
                   .loader = to_loader_options(data_loading),
                   .normalization = to_normalization_options(child(data_loading, "normalization"))},
          .model = to_model_options(child(config, "model")),
          .optimizer = to_optimizer_options(child(training, "optimizer")),
          .schedule = to_schedule_options(child(training, "schedule")),
          .runtime = to_runtime_options(training),
          .seed = static_cast<uint64_t>(integer(training, "seed")),
          .epochs = number(training, "epochs"),
          .label_smoothing = number(training, "labelSmoothing"),
          .loss_reduction = one_of<LossReduction>(
              training, "lossReduction", {{"sum", LossReduction::kSum}, {"mean", LossReduction::kMean}}),
          .tta_level = integer(training, "ttaLevel"),
          .eval_batch_size = integer(training, "evalBatchSize")};
}

std::optional<TrainingState> to_resume(const Napi::Object& options) {
  if (field(options, "resume").IsNull()) return std::nullopt;
  const auto resume = child(options, "resume");
  const auto totals = child(resume, "epochTotals");
  return TrainingState{.progress = {.step = integer(resume, "step"),
                                    .trained_images = integer(resume, "trainedImages"),
                                    .train_seconds = number(resume, "trainSeconds"),
                                    .epoch = {.steps = integer(totals, "steps"),
                                              .loss = number(totals, "loss"),
                                              .accuracy = number(totals, "accuracy"),
                                              .seconds = number(totals, "seconds")}},
                       .model = to_state(field(resume, "model")),
                       .optimizer = to_state(field(resume, "optimizer"))};
}
