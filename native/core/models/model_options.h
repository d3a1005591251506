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

enum class BiasInit { kUniform, kZero };          // as torch.nn.Conv2d's bias, or 0
enum class HeadInit { kUniform, kUnitVariance };  // as torch.nn.Linear's weight, or that over its own std

struct WhiteningOptions {
  int64_t images;  // train images whose patches are measured
  double epsilon;  // added to the eigenvalues
  BiasInit bias_init;
  double bias_epochs;  // the bias is trained this long, then frozen
  bool bias_decays;    // its lr falls linearly to 0 over these epochs; else it is that of the others
};

struct FastCnnOptions {
  std::vector<int64_t> widths;  // of the three groups
  int64_t convs_per_group;      // 2 or 3
  WhiteningOptions whitening;
  BatchNormOptions batch_norm;
  HeadInit head_init;
  double logit_divisor;
};

enum class NormKind { kBatch, kGroup, kNone };

struct CnnOptions {
  std::vector<int64_t> widths;  // one per stage
  int64_t convs_per_stage;
  NormKind norm;
  int64_t groups;  // of group norm; divides every width
  double dropout;  // rate, before the linear layer
  BatchNormOptions batch_norm;
};

struct CifarResNetOptions {
  int64_t depth;  // 6k + 2
  int64_t width;  // channels of the first stage
  BatchNormOptions batch_norm;
};

struct ResNetOptions {
  int64_t depth;  // 18, 34 or 50
  int64_t width;  // channels of the first stage
  BatchNormOptions batch_norm;
};

struct PreActResNetOptions {
  int64_t depth;  // 18, 34 or 50
  int64_t width;  // channels of the first stage
  BatchNormOptions batch_norm;
};

struct WideResNetOptions {
  int64_t depth;        // 6k + 4
  double widen_factor;  // 16 times it is a whole number
  double dropout;       // rate, inside the blocks
  BatchNormOptions batch_norm;
};

using ModelOptions = std::variant<FastCnnOptions, CnnOptions, CifarResNetOptions, ResNetOptions,
                                  PreActResNetOptions, WideResNetOptions>;

}  // namespace cifar10
