// Owns the plain structs that say what to build and how to train. No defaults: conf/ has them, lib/config has
// checked their ranges, and binding/convert fills every field.
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

struct SgdOptions {
  double lr;
  double momentum;
  bool nesterov;
  double weight_decay;  // coefficient of the L2 term, as in PyTorch
};

// SGD with Nesterov momentum for the parameters that Muon does not take.
struct CompanionOptions {
  double vector_lr;  // whitening bias, batch-norm weights and biases
  double head_lr;    // the linear layer
  double momentum;
  double weight_decay;  // SGD's coefficient times the lr of the group
};

struct MuonOptions {
  double lr;
  double momentum;
  int64_t newton_schulz_steps;
  CompanionOptions companion;
};

using OptimizerOptions = std::variant<SgdOptions, MuonOptions>;

enum class ScheduleKind { kLinear, kCosine };

struct ScheduleOptions {
  ScheduleKind kind;
  double warmup_fraction;  // share of the steps in which the lr rises from 0
  double final_fraction;   // lr at the end, as a share of its peak
};

enum class Precision { kBf16, kFp32 };
enum class DeviceChoice { kAuto, kCpu, kCuda };
enum class LossReduction { kSum, kMean };

// Where and in which arithmetic a model runs.
struct RuntimeOptions {
  DeviceChoice device;
  Precision precision;
  std::optional<int64_t> threads;  // absent: every core
};

struct TrainOptions {
  DataOptions data;
  ModelOptions model;
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  RuntimeOptions runtime;
  uint64_t seed;
  double epochs;  // may be fractional
  double label_smoothing;
  LossReduction loss_reduction;
  int64_t tta_level;
  int64_t eval_batch_size;
};

}  // namespace cifar10
