// Owns Winograd's convolution as a differentiable operator on tensors. conv3x3.h is what a model calls.
#pragma once

#include <ATen/core/Tensor.h>

namespace cifar10::kernels {

// As conv3x3 or, with `pools`, conv3x3_max_pool. x: bfloat16 on the CPU; the channels are those that
// winograd.h takes, and neither height nor width is 1 with `pools`.
at::Tensor winograd_conv3x3(const at::Tensor& x, const at::Tensor& weight, bool pools);

}  // namespace cifar10::kernels
