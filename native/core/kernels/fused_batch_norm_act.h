// Owns the fused batch norm as a differentiable operator on tensors. batch_norm_act.h is what a model calls.
#pragma once

#include "kernels/batch_norm_act.h"

namespace cifar10::kernels {

// As batch_norm_act. x: bfloat16 on the CPU, a multiple of 8 channels; in evaluation mode it has no gradient.
at::Tensor fused_batch_norm_act(const at::Tensor& x, const at::Tensor& residual, const BatchNormState& state,
                                Activation activation);

}  // namespace cifar10::kernels
