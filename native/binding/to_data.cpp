// Owns reading which images to load and how to augment them.
#include "convert.h"
#include "read_js.h"

using namespace cifar10;

namespace {

PolicyOptions to_policy_options(const Napi::Object& policy) {
  const auto name = text(policy, "name");
  if (name == "none") return std::monostate();
  if (name == "trivial_augment") return TrivialAugmentOptions{};
  if (name == "rand_augment")
    return RandAugmentOptions{.operations = integer(policy, "operations"),
                              .magnitude = integer(policy, "magnitude")};
  throw Napi::TypeError::New(policy.Env(), "unknown policy: " + name);
}

ColorJitterOptions to_color_jitter_options(const Napi::Object& jitter) {
  return {.brightness = number(jitter, "brightness"),
          .contrast = number(jitter, "contrast"),
          .saturation = number(jitter, "saturation"),
          .hue = number(jitter, "hue")};
}

RandomErasingOptions to_random_erasing_options(const Napi::Object& erasing) {
  return {.probability = number(erasing, "probability"),
          .min_area = number(erasing, "minArea"),
          .max_area = number(erasing, "maxArea"),
          .min_ratio = number(erasing, "minRatio"),
          .max_ratio = number(erasing, "maxRatio")};
}

AugmentOptions to_augment_options(const Napi::Object& options) {
  const auto cutout = child(options, "cutout");
  return {
      .flip = one_of<Flip>(
          options, "flip",
          {{"none", Flip::kNone}, {"random", Flip::kRandom}, {"alternating", Flip::kAlternating}}),
      .translate = integer(options, "translate"),
      .padding = to_padding(options),
      .policy = to_policy_options(child(options, "policy")),
      .color_jitter = to_color_jitter_options(child(options, "colorJitter")),
      .cutout = {.size = integer(cutout, "size"), .clipped = boolean(cutout, "clipped")},
      .random_erasing = to_random_erasing_options(child(options, "randomErasing")),
      .mix = {.mixup_alpha = number(options, "mixupAlpha"), .cutmix_alpha = number(options, "cutmixAlpha")}};
}

}  // namespace

Padding to_padding(const Napi::Object& options) {
  return one_of<Padding>(options, "padding", {{"reflect", Padding::kReflect}, {"zero", Padding::kZero}});
}

std::optional<double> to_validation(const Napi::Object& data_loading) {
  const auto value = field(data_loading, "validation");
  return value.IsNumber() ? std::optional(value.ToNumber().DoubleValue()) : std::nullopt;
}

LoaderOptions to_loader_options(const Napi::Object& data_loading) {
  return {.batch_size = integer(data_loading, "batchSize"),
          .drop_last = boolean(data_loading, "dropLast"),
          .augment = to_augment_options(child(data_loading, "augmentation"))};
}

NormalizationOptions to_normalization_options(const Napi::Object& normalization) {
  return {.mean = triple(normalization, "mean"), .std = triple(normalization, "std")};
}
