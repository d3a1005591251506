// Owns Winograd's convolution as differentiable operators on tensors. conv3x3.h is what a model calls.
#pragma once

#include "kernels/conv3x3.h"

namespace cifar10::kernels {

// As those of conv3x3.h. x: bfloat16 on the CPU; the channels are those that winograd.h takes, and neither
// height nor width is 1 where pooled.
at::Tensor winograd_conv3x3(const at::Tensor& x, const at::Tensor& weight);
WithShortcut winograd_conv3x3_with_shortcut(const at::Tensor& x, const at::Tensor& weight);
at::Tensor winograd_conv3x3_max_pool(const at::Tensor& x, const at::Tensor& weight);

}  // namespace cifar10::kernels
