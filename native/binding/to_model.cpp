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
          .bias_init = one_of<BiasInit>(options, "biasInit",
                                        {{"uniform", BiasInit::kUniform}, {"zero", BiasInit::kZero}}),
          .bias_epochs = number(options, "biasEpochs"),
          .bias_decays = boolean(options, "biasDecays")};
}

FastCnnOptions to_fast_cnn(const Napi::Object& model) {
  return {
      .widths = integers(field(model, "widths")),
      .convs_per_group = integer(model, "convsPerGroup"),
      .whitening = to_whitening(model),
      .batch_norm = to_batch_norm(model),
      .head_init = one_of<HeadInit>(
          model, "headInit", {{"uniform", HeadInit::kUniform}, {"unit_variance", HeadInit::kUnitVariance}}),
      .logit_divisor = number(model, "logitDivisor")};
}

CnnOptions to_cnn(const Napi::Object& model) {
  return {.widths = integers(field(model, "widths")),
          .convs_per_stage = integer(model, "convsPerStage"),
          .norm = one_of<NormKind>(
              model, "norm",
              {{"batch", NormKind::kBatch}, {"group", NormKind::kGroup}, {"none", NormKind::kNone}}),
          .groups = integer(model, "groups"),
          .dropout = number(model, "dropout"),
          .batch_norm = to_batch_norm(model)};
}

WideResNetOptions to_wide_resnet(const Napi::Object& model) {
  return {.depth = integer(model, "depth"),
          .widen_factor = number(model, "widenFactor"),
          .dropout = number(model, "dropout"),
          .batch_norm = to_batch_norm(model)};
}

// The families whose size is a depth and the channels of the first stage.
template <typename Options>
Options to_depth_and_width(const Napi::Object& model) {
  return {
      .depth = integer(model, "depth"), .width = integer(model, "width"), .batch_norm = to_batch_norm(model)};
}

}  // namespace

ModelOptions to_model_options(const Napi::Object& model) {
  const auto name = text(model, "name");
  if (name == "fast") return to_fast_cnn(model);
  if (name == "cnn") return to_cnn(model);
  if (name == "cifar_resnet") return to_depth_and_width<CifarResNetOptions>(model);
  if (name == "resnet") return to_depth_and_width<ResNetOptions>(model);
  if (name == "preact_resnet") return to_depth_and_width<PreActResNetOptions>(model);
  if (name == "wide_resnet") return to_wide_resnet(model);
  throw Napi::TypeError::New(model.Env(), "unknown model: " + name);
}
