// Owns reading which images to load and how to augment them.
#include "convert.h"
#include "read_js.h"

using namespace cifar10;

namespace {

AugmentOptions to_augment_options(const Napi::Object& options) {
  return {.flip = one_of<Flip>(
              options, "flip",
              {{"none", Flip::kNone}, {"random", Flip::kRandom}, {"alternating", Flip::kAlternating}}),
          .translate = integer(options, "translate"),
          .padding = one_of<Padding>(options, "padding",
                                     {{"reflect", Padding::kReflect}, {"zero", Padding::kZero}})};
}

}  // namespace

LoaderOptions to_loader_options(const Napi::Object& data_loading) {
  return {.batch_size = integer(data_loading, "batchSize"),
          .drop_last = boolean(data_loading, "dropLast"),
          .augment = to_augment_options(child(data_loading, "augmentation"))};
}

NormalizationOptions to_normalization_options(const Napi::Object& normalization) {
  return {.mean = triple(normalization, "mean"), .std = triple(normalization, "std")};
}
