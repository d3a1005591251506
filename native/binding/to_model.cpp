// Owns reading which model to build.
#include "convert.h"
#include "read_js.h"

using namespace cifar10;

namespace {

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

}  // namespace

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
