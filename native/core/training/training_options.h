// Owns the plain structs that say how to train. No defaults: conf/ has them, lib/config has checked
// their ranges, and the binding fills every field.
#pragma once

#include <cstdint>
#include <variant>

#include "data/data_options.h"
#include "models/model_options.h"
#include "runtime_options.h"

namespace cifar10 {

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

enum class LossReduction { kSum, kMean };

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
