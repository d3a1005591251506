// Owns the plain structs that say which images are read and how they are augmented. No defaults: conf/ has
// them, lib/config has checked their ranges, and the binding fills every field.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace cifar10 {

enum class Flip { kNone, kRandom, kAlternating };
enum class Padding { kReflect, kZero };

// So many operations for each image, all of one strength.
struct RandAugmentOptions {
  int64_t operations;
  int64_t magnitude;  // 0 to 30
};

// One operation of random strength for each image.
struct TrivialAugmentOptions {};

using PolicyOptions = std::variant<std::monostate, RandAugmentOptions, TrivialAugmentOptions>;

// Factors lie within 1 ± the value, never below 0; hue is a turn within ± the value. 0: unchanged.
struct ColorJitterOptions {
  double brightness;
  double contrast;
  double saturation;
  double hue;  // 0 to 0.5 of the colour circle
};

struct CutoutOptions {
  int64_t size;  // side of the square in pixels; 0: none
  bool clipped;  // the square may reach over the border
};

struct RandomErasingOptions {
  double probability;
  double min_area;  // shares of the image
  double max_area;
  double min_ratio;  // height / width
  double max_ratio;
};

// The parameters of Beta(alpha, alpha); 0: none. With both, each batch has one of them.
struct MixOptions {
  double mixup_alpha;
  double cutmix_alpha;
  bool any() const { return mixup_alpha > 0 || cutmix_alpha > 0; }
};

struct AugmentOptions {
  Flip flip;
  int64_t translate;  // pixels of padding before the random crop
  Padding padding;
  PolicyOptions policy;
  ColorJitterOptions color_jitter;
  CutoutOptions cutout;
  RandomErasingOptions random_erasing;
  MixOptions mix;
};

// Of pixels scaled to [0, 1], per channel R, G, B.
struct NormalizationOptions {
  std::array<double, 3> mean;
  std::array<double, 3> std;
};

struct LoaderOptions {
  int64_t batch_size;
  bool drop_last;
  AugmentOptions augment;
};

struct DataOptions {
  std::vector<std::string> train_files;  // CIFAR-10 binary records
  std::vector<std::string> test_files;
  std::optional<double> validation;  // share of each class's train images that is held out
  LoaderOptions loader;
  NormalizationOptions normalization;
};

}  // namespace cifar10
