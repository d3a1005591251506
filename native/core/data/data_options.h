// Owns the plain structs that say which images are read and how they are augmented. No defaults: conf/ has
// them, lib/config has checked their ranges, and the binding fills every field.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace cifar10 {

enum class Flip { kNone, kRandom, kAlternating };
enum class Padding { kReflect, kZero };

struct AugmentOptions {
  Flip flip;
  int64_t translate;  // pixels of padding before the random crop
  Padding padding;
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
  int64_t val_size;  // images held out of train
  LoaderOptions loader;
  NormalizationOptions normalization;
};

}  // namespace cifar10
