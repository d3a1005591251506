// Owns timing a model on synthetic images: what a step of training or a batch of inference takes, phase by
// phase.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "data/data_options.h"
#include "models/model_options.h"
#include "runtime_options.h"
#include "training/training_options.h"

namespace cifar10 {

struct BenchmarkOptions {
  ModelOptions model;
  LoaderOptions loader;  // its batch size is that of inference too
  NormalizationOptions normalization;
  UpdateOptions update;
  RuntimeOptions runtime;
  int64_t steps;
  bool trains;  // else: inference
};

// Of one step. Inference has no backward pass and no optimizer; its augmentation is normalization.
struct StepSeconds {
  double augment = 0;
  double forward = 0;
  double backward = 0;
  double optimizer = 0;  // and the rest: clipping, averages, the figures of the step
};

struct Benchmark {
  std::string device;
  int64_t threads;
  std::vector<StepSeconds> steps;
  double convolution_peak;  // FLOP/s of the fastest of LibTorch's convolutions in this arithmetic, measured
                            // after the steps
};

// Errors: DEVICE_UNAVAILABLE. Throws Stopped between two steps.
Benchmark benchmark(const BenchmarkOptions& options, const std::atomic<bool>& stop);

}  // namespace cifar10
