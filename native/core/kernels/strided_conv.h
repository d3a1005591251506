// Owns the 3x3 convolution of stride 2 as a differentiable operator on tensors. conv3x3.h is what a model
// calls.
#pragma once

#include <ATen/core/Tensor.h>

namespace cifar10::kernels {

// As conv3x3_stride2 of conv3x3.h. x: bfloat16 on the CPU; the channels are those that winograd.h takes.
at::Tensor strided_conv3x3(const at::Tensor& x, const at::Tensor& weight);

}  // namespace cifar10::kernels
