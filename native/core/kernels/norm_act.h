// Owns batch norm, a residual sum and an activation in as few passes over bfloat16 memory as the mathematics
// allows: one for the statistics, one for the result; two for the gradients. Pointers only, for the
// processors of norm_act_avx512.cpp; batch_norm_act.h is what a model calls.
//
// Activations are [rows,channels] with rows = images · height · width; channels is a multiple of 8. Functions
// work on the rows begin…end, so that threads share the rest; they neither allocate nor throw.
#pragma once

#include <cstdint>

#include "kernels/activation.h"

namespace cifar10::kernels::norm_act {

using bf16 = uint16_t;  // the bits of a bfloat16

// y = activation(x · scale + offset + residual). scale, offset: [channels].
struct Layer {
  const bf16* x;
  const bf16* residual;  // may be null
  const float* scale;
  const float* offset;
  int64_t channels;
  Activation activation;
};

// Adds to sums [2,channels]: of x − shift, and of its square. Near the mean, a shift keeps the digits of the
// variance.
void gather_statistics(const bf16* x, const float* shift, int64_t channels, double* sums, int64_t begin,
                       int64_t end);

void apply(const Layer& layer, bf16* y, int64_t begin, int64_t end);

// du is the gradient before the activation. Adds to sums [2,channels]: of du, and of du · (x − mean).
void gather_gradients(const Layer& layer, const bf16* gradient, const float* mean, double* sums,
                      int64_t begin, int64_t end);

// x_gradient = du · scale + x · slope + constant, and residual_gradient = du unless it is null. slope,
// constant: [channels].
struct InputGradient {
  const float* slope;
  const float* constant;
  bf16* x;
  bf16* residual;
};
void spread_gradients(const Layer& layer, const bf16* gradient, const InputGradient& result, int64_t begin,
                      int64_t end);

}  // namespace cifar10::kernels::norm_act
