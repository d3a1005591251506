#include "inspect_training.h"

#include <cstring>

#include "convert.h"
#include "failure.h"
#include "read_js.h"
#include "runtime.h"
#include "torch_api.h"
#include "training/muon.h"
#include "training/updater.h"

namespace {

constexpr int64_t kSide = cifar10::kImageSize;

// float32 [-1, …], a copy.
at::Tensor to_floats(const Napi::Value& value, at::IntArrayRef shape) {
  const auto floats = value.As<Napi::Float32Array>();
  const auto count = static_cast<int64_t>(floats.ElementLength());
  auto tensor = at::empty({count}, at::kFloat);
  std::memcpy(tensor.data_ptr(), floats.Data(), tensor.nbytes());
  return tensor.view(shape);
}

cifar10::Batch to_batch(const Napi::Object& request, at::ScalarType dtype) {
  const auto labels = integers(field(request, "labels"));
  const auto images = to_floats(field(request, "images"), {-1, 3, kSide, kSide});
  const auto targets = field(request, "targets");
  return {images.to(dtype).contiguous(at::MemoryFormat::ChannelsLast), at::tensor(labels, at::kLong),
          targets.IsNull() ? at::Tensor() : to_floats(targets, {-1, cifar10::kClasses})};
}

struct Inspection {
  at::Tensor logits;
  double loss = 0;
  std::vector<cifar10::NamedTensor> gradients, state, averages;
};

std::vector<cifar10::NamedTensor> gradients_of(const cifar10::Model& model) {
  std::vector<cifar10::NamedTensor> gradients;
  for (const auto& item : model.named_parameters())
    if (const auto& gradient = item.value().grad(); gradient.defined())
      gradients.push_back({item.key(), cifar10::cpu_copy(gradient)});
  return gradients;
}

// A step of its own without any lr, before the others: its gradients are still those of the first step.
void look_at_first_step(cifar10::Model& model, cifar10::UpdateOptions options, const cifar10::Batch& batch,
                        Inspection& inspection) {
  options.gradient_clip_norm.reset();
  options.ema_decay.reset();
  options.lookahead.reset();
  options.optimizer = cifar10::SgdOptions{.lr = 0, .norm_lr_scale = 1};
  cifar10::Updater updater(model, options, at::kFloat, 0, {});
  const auto outcome = updater.update(batch, {0, 1, {0, 0}});
  inspection.logits = outcome.logits;
  inspection.loss = outcome.loss;
  inspection.gradients = gradients_of(model);
}

Inspection inspect(const cifar10::ModelOptions& options, const std::vector<cifar10::NamedTensor>& state,
                   const cifar10::UpdateOptions& update, const cifar10::Batch& batch,
                   const std::vector<double>& factors) {
  Inspection inspection;
  const auto model = cifar10::make_model(options, 0);
  cifar10::load_state(*model, state);
  look_at_first_step(*model, update, batch, inspection);
  cifar10::load_state(*model, state);  // the look has moved the running statistics of norms
  cifar10::Updater updater(*model, update, at::kFloat, 0, [&] { return cifar10::make_model(options, 0); });
  const auto steps = static_cast<int64_t>(factors.size());
  for (int64_t step = 0; step < steps; ++step)
    updater.update(batch, {step, steps, {factors[step], factors[step]}});
  inspection.state = cifar10::state_of(*model);
  if (update.ema_decay) inspection.averages = cifar10::state_of(updater.evaluated());
  return inspection;
}

}  // namespace

Napi::Value inspect_training(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto request = info[0].As<Napi::Object>();
  const auto config = child(request, "config");
  auto result = Napi::Object::New(env);
  rethrow_coded(env, [&] {
    const auto training = child(config, "training");
    const auto runtime = cifar10::start_runtime(to_runtime_options(training));
    const auto inspection = inspect(to_model_options(child(config, "model")),
                                    to_state(field(request, "state")), to_update_options(training),
                                    to_batch(request, runtime.dtype), numbers(field(request, "lrFactors")));
    result.Set("logits", from_floats(env, inspection.logits.contiguous()));
    result.Set("loss", inspection.loss);
    result.Set("gradients", from_state(env, inspection.gradients));
    result.Set("state", from_state(env, inspection.state));
    result.Set("averages", from_state(env, inspection.averages));
  });
  return result;
}

Napi::Value orthogonalize(const Napi::CallbackInfo& info) {
  auto list = Napi::Array::New(info.Env());
  list.Set(0U, info[0]);
  const auto matrix = to_state(list).front().tensor;
  return from_floats(
      info.Env(), cifar10::orthogonalize(matrix, info[1].ToNumber().Int64Value(), at::kFloat).contiguous());
}
