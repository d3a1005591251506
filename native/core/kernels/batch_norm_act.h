// Owns batch norm followed by a residual sum and an activation, as models call it: fused on bfloat16
// activations where choice.h says so (norm_act.h), LibTorch's operators otherwise.
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/activation.h"

namespace cifar10::kernels {

struct BatchNormState {
  at::Tensor weight;  // float32 [C], as all of them
  at::Tensor bias;
  at::Tensor running_mean;  // in training overwritten with (1 − momentum) · old + momentum · new
  at::Tensor running_var;
  bool is_training;
  double momentum;
  double epsilon;
};

// activation(batch_norm(x) + residual). x, residual: [B,C,H,W] of one dtype, channels-last is fast; residual
// may be undefined. Differentiable once.
at::Tensor batch_norm_act(const at::Tensor& x, const at::Tensor& residual, const BatchNormState& state,
                          Activation activation);

}  // namespace cifar10::kernels
