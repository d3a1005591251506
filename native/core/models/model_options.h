// Owns the plain structs that say which model to build. No defaults: conf/ has them, lib/config has checked
// their ranges, and the binding fills every field.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

namespace cifar10 {

struct BatchNormOptions {
  double momentum;  // weight of the new observation, as in PyTorch
  double epsilon;
};

struct WhiteningOptions {
  int64_t images;      // train images whose patches are measured
  double epsilon;      // added to the eigenvalues
  double bias_epochs;  // the bias is trained this long, then frozen
};

struct FastCnnOptions {
  std::vector<int64_t> widths;  // of the three groups
  WhiteningOptions whitening;
  BatchNormOptions batch_norm;
  double logit_divisor;
};

struct CnnOptions {
  std::vector<int64_t> widths;  // one per stage
  int64_t convs_per_stage;
  BatchNormOptions batch_norm;
};

struct CifarResNetOptions {
  int64_t depth;  // 6k + 2
  BatchNormOptions batch_norm;
};

struct ResNetOptions {
  int64_t depth;  // 18 or 34
  BatchNormOptions batch_norm;
};

using ModelOptions = std::variant<FastCnnOptions, CnnOptions, CifarResNetOptions, ResNetOptions>;

}  // namespace cifar10
