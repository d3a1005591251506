// Owns the 3x3 convolutions that models call, of padding 1 and without bias: own kernels on bfloat16
// activations where choice.h says so and the channels suit (winograd.h), LibTorch's otherwise.
#pragma once

#include <ATen/core/Tensor.h>

namespace cifar10::kernels {

// x: [B,in,H,W], channels-last is fast; weight: float32 [out,in,3,3] -> [B,out,H,W] in the dtype of x.
// Differentiable once.
at::Tensor conv3x3(const at::Tensor& x, const at::Tensor& weight);

// The same and x, for a shortcut around the layer, which takes it in place of x itself: where the kernels
// suit, the shortcut's gradient is added while the layer's is written, not in a pass of its own.
struct WithShortcut {
  at::Tensor result;
  at::Tensor shortcut;
};
WithShortcut conv3x3_with_shortcut(const at::Tensor& x, const at::Tensor& weight);

// Of stride 2: [B,out,H/2,W/2], rounded up. Differentiable once. Only the weights' gradient has a kernel of
// its own (strided.h).
at::Tensor conv3x3_stride2(const at::Tensor& x, const at::Tensor& weight);

// The same as conv3x3 and max pooling of 2x2 squares in one: [B,out,H/2,W/2]. What is pooled away is not
// written to memory, and mostly not computed where an odd side leaves it over.
at::Tensor conv3x3_max_pool(const at::Tensor& x, const at::Tensor& weight);

}  // namespace cifar10::kernels
