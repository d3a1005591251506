// Owns writing what a training tells: events, figures, states.
#include "convert.h"
#include "failure.h"
#include "write_js.h"

using namespace cifar10;

namespace {

Napi::Object from_result(Napi::Env env, const TrainResult& result) {
  auto object = Napi::Object::New(env);
  object.Set("end", "finished");
  object.Set("test", from_evaluation(env, result.test));
  object.Set("steps", result.steps);
  object.Set("hasEndedEarly", result.has_ended_early);
  object.Set("bestEpoch", number_or_null(env, result.best_epoch));
  object.Set("trainedImages", result.trained_images);
  object.Set("trainSeconds", result.train_seconds);
  object.Set("testSeconds", result.test_seconds);
  object.Set("imagesPerSecond", result.images_per_second);
  object.Set("state", from_state(env, result.state));
  return object;
}

Napi::Object from_epoch_totals(Napi::Env env, const EpochTotals& totals) {
  auto object = Napi::Object::New(env);
  object.Set("steps", totals.steps);
  object.Set("images", totals.images);
  object.Set("loss", totals.loss);
  object.Set("accuracy", totals.accuracy);
  object.Set("seconds", totals.seconds);
  return object;
}

Napi::Object from_best(Napi::Env env, const Best& best) {
  auto object = Napi::Object::New(env);
  object.Set("value", number_or_null(env, best.value));
  object.Set("epoch", best.epoch);
  object.Set("staleLooks", best.stale);
  return object;
}

Napi::Object from_training_state(Napi::Env env, const TrainingState& state) {
  auto object = Napi::Object::New(env);
  object.Set("step", state.progress.step);
  object.Set("trainedImages", state.progress.trained_images);
  object.Set("trainSeconds", state.progress.train_seconds);
  object.Set("epochTotals", from_epoch_totals(env, state.progress.epoch));
  object.Set("best", from_best(env, state.progress.best));
  object.Set("stopping", from_best(env, state.progress.stopping));
  object.Set("hasEndedEarly", state.progress.has_ended_early);
  object.Set("model", from_state(env, state.model));
  object.Set("extra", from_state(env, state.extra));
  return object;
}

Napi::Object from_divergence(Napi::Env env, const Diverged& diverged) {
  auto object = Napi::Object::New(env);
  object.Set("end", "diverged");
  object.Set(
      "error",
      to_error(env, {diverged.error.code(), diverged.error.what(), diverged.error.next_step()}).Value());
  object.Set("progress", diverged.last_good ? from_training_state(env, *diverged.last_good) : env.Null());
  return object;
}

Napi::Object event_of_type(Napi::Env env, const char* type) {
  auto event = Napi::Object::New(env);
  event.Set("type", type);
  return event;
}

}  // namespace

Napi::Object from_start(Napi::Env env, const StartEvent& event) {
  auto object = event_of_type(env, "start");
  object.Set("device", event.device);
  object.Set("threads", event.threads);
  object.Set("precision", event.precision == Precision::kBf16 ? "bf16" : "fp32");
  object.Set("trainImages", event.train_images);
  object.Set("valImages", event.val_images);
  object.Set("testImages", event.test_images);
  object.Set("stepsPerEpoch", event.steps_per_epoch);
  object.Set("steps", event.steps);
  object.Set("step", event.step);
  object.Set("parameterCount", event.parameters);
  return object;
}

Napi::Object from_step(Napi::Env env, const StepEvent& event) {
  auto object = event_of_type(env, "step");
  object.Set("step", event.step);
  object.Set("epoch", event.epoch);
  object.Set("loss", event.loss);
  object.Set("accuracy", number_or_null(env, event.accuracy));
  object.Set("lrFactor", event.lr);
  object.Set("imagesPerSecond", event.images_per_second);
  return object;
}

Napi::Object from_epoch(Napi::Env env, const EpochEvent& event) {
  auto object = event_of_type(env, "epoch");
  object.Set("epoch", event.epoch);
  object.Set("step", event.step);
  object.Set("loss", event.loss);
  object.Set("accuracy", number_or_null(env, event.accuracy));
  object.Set("durationSeconds", event.duration_seconds);
  if (!event.val) return object;
  auto val = Napi::Object::New(env);
  val.Set("accuracy", event.val->accuracy);
  val.Set("crossEntropy", event.val->cross_entropy);
  object.Set("val", val);
  return object;
}

Napi::Object from_test_progress(Napi::Env env, int64_t done, int64_t total) {
  auto object = event_of_type(env, "test");
  object.Set("done", done);
  object.Set("total", total);
  return object;
}

Napi::Object from_kept_state(Napi::Env env, const TrainingState& state, const Napi::Function& kept) {
  auto object = event_of_type(env, "state");
  object.Set("state", from_training_state(env, state));
  object.Set("kept", kept);
  return object;
}

Napi::Object from_kept_best(Napi::Env env, int64_t epoch, const std::vector<NamedTensor>& weights,
                            const Napi::Function& kept) {
  auto object = event_of_type(env, "best");
  object.Set("epoch", epoch);
  object.Set("weights", from_state(env, weights));
  object.Set("kept", kept);
  return object;
}

Napi::Object from_train_outcome(Napi::Env env, const TrainOutcome& outcome) {
  if (const auto* result = std::get_if<TrainResult>(&outcome)) return from_result(env, *result);
  if (const auto* diverged = std::get_if<Diverged>(&outcome)) return from_divergence(env, *diverged);
  auto object = Napi::Object::New(env);
  object.Set("end", "stopped");
  object.Set("progress", from_training_state(env, std::get<TrainingState>(outcome)));
  return object;
}
