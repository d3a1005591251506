// Owns the plain structs that say how to train. No defaults: conf/ has them, lib/config has checked their
// ranges, and the binding fills every field.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "data/data_options.h"
#include "models/model_options.h"
#include "runtime_options.h"

namespace cifar10 {

struct SgdOptions {
  double lr;
  double momentum;
  bool nesterov;
  double weight_decay;  // coefficient of the L2 term, as in PyTorch
  bool decay_norms_and_biases;
  double norm_lr_scale;  // lr of norm parameters over `lr`; their weight decay per step stays the same
};

struct AdamOptions {
  double lr;
  double beta1;
  double beta2;
  double epsilon;
  double weight_decay;
  bool decouples_weight_decay;  // AdamW; else an L2 term in the gradient
  bool decay_norms_and_biases;
};

// SGD with Nesterov momentum for the parameters that Muon does not take.
struct CompanionOptions {
  double vector_lr;  // whitening bias, norm weights and biases
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

using OptimizerOptions = std::variant<SgdOptions, AdamOptions, MuonOptions>;

struct LookaheadOptions {
  int64_t steps;  // updates between two synchronizations
  double decay;   // weight of the slow weights
  double power;   // the decay grows as progress to this power; 0: constant
};

enum class LossReduction { kSum, kMean };

// One optimizer update.
struct UpdateOptions {
  OptimizerOptions optimizer;
  double label_smoothing;
  LossReduction loss_reduction;
  int64_t accumulation_steps;                // parts that a batch is cut into
  std::optional<double> gradient_clip_norm;  // of all gradients together
  std::optional<double> ema_decay;
  std::optional<LookaheadOptions> lookahead;
};

struct ConstantSchedule {};
struct LinearSchedule {
  double final_fraction;  // lr at the end, as a share of its peak
};
struct CosineSchedule {
  double final_fraction;
};
struct StepSchedule {
  double step_epochs;  // epochs between two drops
  double gamma;        // factor of a drop
};
struct MultiStepSchedule {
  std::vector<double> milestones;  // epochs, rising
  double gamma;
};
struct OneCycleSchedule {
  double start_fraction;
  double peak_fraction;  // share of the steps up to the peak
  double final_fraction;
  bool anneals_by_cosine;  // else linearly
};
struct TriangularSchedule {
  double start_fraction;
  double peak_fraction;
  double final_fraction;
};

struct ScheduleOptions {
  double warmup_fraction;  // share of the steps in which the lr rises linearly to its peak
  std::variant<ConstantSchedule, LinearSchedule, CosineSchedule, StepSchedule, MultiStepSchedule,
               OneCycleSchedule, TriangularSchedule>
      shape;
};

enum class Monitor { kValLoss, kValAccuracy, kTrainLoss, kTrainAccuracy };

struct EarlyStoppingOptions {
  Monitor monitor;
  int64_t patience;  // looks at the figure without improvement that are endured
  double min_delta;  // a smaller change is no improvement
};

// When the state of a training is kept while it goes on; absent: not by that.
struct SaveOptions {
  std::optional<int64_t> steps;  // from one state to the next
  std::optional<double> seconds;
};

struct TrainOptions {
  DataOptions data;
  ModelOptions model;
  UpdateOptions update;
  ScheduleOptions schedule;
  RuntimeOptions runtime;
  Precision eval_precision;  // of activations in validation and test
  uint64_t seed;
  double epochs;  // may be fractional
  SaveOptions save;
  std::optional<EarlyStoppingOptions> early_stopping;
  std::optional<Monitor>
      best;  // test and keep the weights of the epoch that was best by this; absent: the last
  int64_t tta_level;
  int64_t eval_batch_size;
  int64_t val_interval;  // epochs from one validation to the next; the last epoch always has one
};

}  // namespace cifar10
