// Owns the weights of Winograd's convolutions as tensors that its products read (winograd.h).
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/winograd.h"

namespace cifar10::kernels {

// weight: float32 [out,in,3,3] -> one dimension, for tiles of kSide. `dtype`: bfloat16, or float32 for
// Direction::kForward.
template <int kSide>
at::Tensor packed_weights(const at::Tensor& weight, winograd::Direction direction, at::ScalarType dtype);

}  // namespace cifar10::kernels
