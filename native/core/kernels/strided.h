// Owns the gradient of the weights of 3x3 convolutions of stride 2 and padding 1, on bfloat16 activations:
// sums of products over all output pixels, in registers, where LibTorch's run at half the rate of its other
// passes. Pointers only, for the processors of strided_avx512.cpp; conv3x3.h is what a model calls. Shapes,
// parts and layouts are those of winograd.h.
#pragma once

#include <cstdint>

#include "kernels/winograd.h"

namespace cifar10::kernels::strided {

using winograd::bf16;
using winograd::Part;
using winograd::Shape;  // of the input; results have half the height and width, rounded up

// Output pixels of pairs of images.
int64_t pair_count(const Shape& shape);
int64_t gather_scratch(const Shape& shape);  // bytes, aligned to 64, of a thread
// As winograd::gather_weight_gradient and winograd::finish_weight_gradient, but for sums [9,in,out].
void gather_weight_gradient(const Shape& shape, const bf16* x, const bf16* gradient, float* sums,
                            void* scratch, const Part& part);
void finish_weight_gradient(const Shape& shape, const float* sums, int64_t parts, float* weight_gradient,
                            int64_t begin, int64_t end);

}  // namespace cifar10::kernels::strided
