#include "convert.h"

#include <ATen/ATen.h>

#include <cstring>
#include <stdexcept>
#include <unordered_map>

#include "failure.h"

using namespace cifar10;

namespace {

Napi::Value field(const Napi::Object& object, const char* key) {
  const auto value = object.Get(key);
  // A missing field is a bug of ours: defaults live in conf/ only.
  if (value.IsUndefined()) throw Napi::TypeError::New(object.Env(), std::string("missing field: ") + key);
  return value;
}

Napi::Object child(const Napi::Object& object, const char* key) {
  const auto value = field(object, key);
  if (!value.IsObject()) throw Napi::TypeError::New(object.Env(), std::string("not an object: ") + key);
  return value.As<Napi::Object>();
}

double number(const Napi::Object& object, const char* key) {
  return field(object, key).ToNumber().DoubleValue();
}
int64_t integer(const Napi::Object& object, const char* key) {
  return field(object, key).ToNumber().Int64Value();
}
bool boolean(const Napi::Object& object, const char* key) { return field(object, key).ToBoolean().Value(); }
std::string text(const Napi::Object& object, const char* key) {
  return field(object, key).ToString().Utf8Value();
}

template <typename Enum>
Enum one_of(const Napi::Object& object, const char* key, const std::unordered_map<std::string, Enum>& names) {
  const auto found = names.find(text(object, key));
  if (found == names.end()) throw Napi::TypeError::New(object.Env(), std::string("unknown name in: ") + key);
  return found->second;
}

template <typename Element>
std::vector<Element> elements(const Napi::Value& value, Element (*convert)(const Napi::Value&)) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), "not an array");
  const auto array = value.As<Napi::Array>();
  std::vector<Element> result;
  for (uint32_t i = 0; i < array.Length(); ++i) result.push_back(convert(array.Get(i)));
  return result;
}

std::vector<int64_t> integers(const Napi::Value& value) {
  return elements<int64_t>(value, [](const Napi::Value& element) { return element.ToNumber().Int64Value(); });
}

std::array<double, 3> triple(const Napi::Object& object, const char* key) {
  const auto values = elements<double>(
      field(object, key), [](const Napi::Value& element) { return element.ToNumber().DoubleValue(); });
  if (values.size() != 3)
    throw Napi::TypeError::New(object.Env(), std::string("expected 3 values in: ") + key);
  return {values[0], values[1], values[2]};
}

std::optional<int64_t> optional_integer(const Napi::Object& object, const char* key) {
  return field(object, key).IsNull() ? std::nullopt : std::optional(integer(object, key));
}

BatchNormOptions to_batch_norm(const Napi::Object& model) {
  const auto options = child(model, "batchNorm");
  return {.momentum = number(options, "momentum"), .epsilon = number(options, "epsilon")};
}

WhiteningOptions to_whitening(const Napi::Object& model) {
  const auto options = child(model, "whitening");
  return {.images = integer(options, "images"),
          .epsilon = number(options, "epsilon"),
          .bias_epochs = number(options, "biasEpochs")};
}

RuntimeOptions to_runtime_options(const Napi::Object& options) {
  return {.device = one_of<DeviceChoice>(
              options, "device",
              {{"auto", DeviceChoice::kAuto}, {"cpu", DeviceChoice::kCpu}, {"cuda", DeviceChoice::kCuda}}),
          .precision = one_of<Precision>(options, "precision",
                                         {{"bf16", Precision::kBf16}, {"fp32", Precision::kFp32}}),
          .threads = optional_integer(options, "threads")};
}

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

AugmentOptions to_augment_options(const Napi::Object& options) {
  return {.flip = one_of<Flip>(
              options, "flip",
              {{"none", Flip::kNone}, {"random", Flip::kRandom}, {"alternating", Flip::kAlternating}}),
          .translate = integer(options, "translate"),
          .padding = one_of<Padding>(options, "padding",
                                     {{"reflect", Padding::kReflect}, {"zero", Padding::kZero}})};
}

NamedTensor to_named_tensor(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  const auto data = child(object, "data").As<Napi::Uint8Array>();
  const auto dtype = one_of<at::ScalarType>(object, "dtype", {{"F32", at::kFloat}, {"I64", at::kLong}});
  auto tensor = at::empty(integers(field(object, "shape")), at::TensorOptions(dtype));
  if (tensor.nbytes() != data.ByteLength())
    throw Napi::TypeError::New(value.Env(), "tensor bytes do not fit its shape");
  std::memcpy(tensor.data_ptr(), data.Data(), data.ByteLength());
  return {text(object, "name"), tensor};
}

template <typename Values, typename ToValue>
Napi::Array array_of(Napi::Env env, const Values& values, ToValue to_value) {
  auto array = Napi::Array::New(env, values.size());
  uint32_t index = 0;
  for (const auto& value : values) array.Set(index++, to_value(value));
  return array;
}

Napi::Value counts_row(Napi::Env env, const std::array<int64_t, kClasses>& row) {
  return array_of(env, row,
                  [&](int64_t count) { return Napi::Number::New(env, static_cast<double>(count)); });
}

Napi::Object from_metrics(Napi::Env env, const Metrics& metrics) {
  auto object = Napi::Object::New(env);
  object.Set("accuracy", metrics.accuracy);
  object.Set("crossEntropy", metrics.cross_entropy);
  object.Set("perClassAccuracy", array_of(env, metrics.per_class_accuracy,
                                          [&](double share) { return Napi::Number::New(env, share); }));
  object.Set("confusionMatrix",
             array_of(env, metrics.confusion, [&](const auto& row) { return counts_row(env, row); }));
  object.Set("imageCount", metrics.image_count);
  return object;
}

Napi::Object from_result(Napi::Env env, const TrainResult& result) {
  auto object = Napi::Object::New(env);
  object.Set("isStopped", false);
  object.Set("test", from_evaluation(env, result.test));
  object.Set("steps", result.steps);
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
  object.Set("loss", totals.loss);
  object.Set("accuracy", totals.accuracy);
  object.Set("seconds", totals.seconds);
  return object;
}

Napi::Object from_training_state(Napi::Env env, const TrainingState& state) {
  auto object = Napi::Object::New(env);
  object.Set("step", state.progress.step);
  object.Set("trainedImages", state.progress.trained_images);
  object.Set("trainSeconds", state.progress.train_seconds);
  object.Set("epochTotals", from_epoch_totals(env, state.progress.epoch));
  object.Set("model", from_state(env, state.model));
  object.Set("optimizer", from_state(env, state.optimizer));
  return object;
}

Napi::Object event_of_type(Napi::Env env, const char* type) {
  auto event = Napi::Object::New(env);
  event.Set("type", type);
  return event;
}

}  // namespace

std::vector<std::string> to_strings(const Napi::Value& value) {
  return elements<std::string>(value,
                               [](const Napi::Value& element) { return element.ToString().Utf8Value(); });
}

ScheduleOptions to_schedule_options(const Napi::Object& schedule) {
  return {.kind = one_of<ScheduleKind>(
              schedule, "name", {{"linear", ScheduleKind::kLinear}, {"cosine", ScheduleKind::kCosine}}),
          .warmup_fraction = number(schedule, "warmupFraction"),
          .final_fraction = number(schedule, "finalFraction")};
}

LoaderOptions to_loader_options(const Napi::Object& data_loading) {
  return {.batch_size = integer(data_loading, "batchSize"),
          .drop_last = boolean(data_loading, "dropLast"),
          .augment = to_augment_options(child(data_loading, "augmentation"))};
}

NormalizationOptions to_normalization_options(const Napi::Object& normalization) {
  return {.mean = triple(normalization, "mean"), .std = triple(normalization, "std")};
}

ModelOptions to_model_options(const Napi::Object& model) {
  const auto name = text(model, "name");
  if (name == "fast")
    return FastCnnOptions{.widths = integers(field(model, "widths")),
                          .whitening = to_whitening(model),
                          .batch_norm = to_batch_norm(model),
                          .logit_divisor = number(model, "logitDivisor")};
  if (name == "cnn")
    return CnnOptions{.widths = integers(field(model, "widths")),
                      .convs_per_stage = integer(model, "convsPerStage"),
                      .batch_norm = to_batch_norm(model)};
  if (name == "cifar_resnet") return CifarResNetOptions{integer(model, "depth"), to_batch_norm(model)};
  if (name == "resnet") return ResNetOptions{integer(model, "depth"), to_batch_norm(model)};
  throw Napi::TypeError::New(model.Env(), "unknown model: " + name);
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

PredictorOptions to_predictor_options(const Napi::Object& options) {
  return {.model = to_model_options(child(options, "model")),
          .normalization = to_normalization_options(child(options, "normalization")),
          .runtime = to_runtime_options(options),
          .batch_size = integer(options, "batchSize")};
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

std::vector<NamedTensor> to_state(const Napi::Value& value) {
  std::vector<NamedTensor> state;
  // LibTorch throws for a shape that is negative or takes more memory than there is.
  rethrow_coded(value.Env(), [&] { state = elements<NamedTensor>(value, &to_named_tensor); });
  return state;
}

Napi::Object from_layout(Napi::Env env, const std::string& name, const at::Tensor& tensor) {
  auto object = Napi::Object::New(env);
  object.Set("name", name);
  object.Set("dtype", tensor.scalar_type() == at::kLong ? "I64" : "F32");
  object.Set("shape", array_of(env, tensor.sizes(), [&](int64_t side) {
               return Napi::Number::New(env, static_cast<double>(side));
             }));
  return object;
}

Napi::Array from_state(Napi::Env env, const std::vector<NamedTensor>& state) {
  return array_of(env, state, [&](const NamedTensor& item) {
    auto data = Napi::Uint8Array::New(env, item.tensor.nbytes());
    std::memcpy(data.Data(), item.tensor.const_data_ptr(), item.tensor.nbytes());
    auto object = from_layout(env, item.name, item.tensor);
    object.Set("data", data);
    return object;
  });
}

at::Tensor to_images(const Napi::Value& value) {
  constexpr int64_t kImageBytes = kImageSize * kImageSize * 3;
  const auto pixels = value.As<Napi::Uint8Array>();
  const auto bytes = static_cast<int64_t>(pixels.ByteLength());
  if (bytes == 0 || bytes % kImageBytes != 0)
    throw Napi::TypeError::New(value.Env(), "expected whole 32x32 RGB images");
  auto images = at::empty({bytes / kImageBytes, kImageSize, kImageSize, 3}, at::TensorOptions(at::kByte));
  std::memcpy(images.data_ptr(), pixels.Data(), pixels.ByteLength());
  return images.permute({0, 3, 1, 2});
}

Napi::Float32Array from_floats(Napi::Env env, const at::Tensor& tensor) {
  auto floats = Napi::Float32Array::New(env, static_cast<size_t>(tensor.numel()));
  std::memcpy(floats.Data(), tensor.const_data_ptr(), tensor.nbytes());
  return floats;
}

Napi::Object from_start(Napi::Env env, const StartEvent& event) {
  auto object = event_of_type(env, "start");
  object.Set("device", event.device);
  object.Set("threads", event.threads);
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
  object.Set("accuracy", event.accuracy);
  object.Set("lrFactor", event.lr);
  object.Set("imagesPerSecond", event.images_per_second);
  return object;
}

Napi::Object from_epoch(Napi::Env env, const EpochEvent& event) {
  auto object = event_of_type(env, "epoch");
  object.Set("epoch", event.epoch);
  object.Set("step", event.step);
  object.Set("loss", event.loss);
  object.Set("accuracy", event.accuracy);
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

Napi::Object from_evaluation(Napi::Env env, const Evaluation& evaluation) {
  auto object = from_metrics(env, evaluation.metrics);
  if (evaluation.tta_accuracy) object.Set("ttaAccuracy", *evaluation.tta_accuracy);
  return object;
}

Napi::Object from_train_outcome(Napi::Env env, const TrainOutcome& outcome) {
  if (const auto* result = std::get_if<TrainResult>(&outcome)) return from_result(env, *result);
  auto object = Napi::Object::New(env);
  object.Set("isStopped", true);
  object.Set("progress", from_training_state(env, std::get<TrainingState>(outcome)));
  return object;
}
