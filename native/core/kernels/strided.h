// Owns the gradient of the weights of 3x3 convolutions of stride 2 and padding 1, on bfloat16 activations:
// sums of products over all output pixels, where LibTorch's is slow. Pointers only, for the processors of
// strided_avx512.cpp; conv3x3.h is what a model calls. Layouts are those of winograd.h.
#pragma once

#include <cstdint>

#include "kernels/conv_shape.h"

namespace cifar10::kernels::strided {

// Output pixels of pairs of images.
int64_t pair_count(const ConvShape& shape);
int64_t gather_scratch(const ConvShape& shape);  // bytes, aligned to 64, of a thread
// As winograd::gather_weight_gradient and winograd::finish_weight_gradient, but for sums [9,in,out].
void gather_weight_gradient(const ConvShape& shape, const bf16* x, const bf16* gradient, float* sums,
                            void* scratch, const Part& part);
void finish_weight_gradient(const ConvShape& shape, const float* sums, int64_t parts, float* weight_gradient,
                            int64_t begin, int64_t end);

}  // namespace cifar10::kernels::strided
