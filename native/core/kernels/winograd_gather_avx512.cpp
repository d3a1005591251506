// The gradient of the weights of Winograd's convolutions. Compiled for AVX-512 with bfloat16, and only called
// where the processor has it. Nothing of the standard library but integer types is used here: a template
// instantiated in this file could be the one that the linker keeps for all.
#include "kernels/pair_sums_avx512.h"
#include "kernels/winograd_transforms_avx512.h"

namespace cifar10::kernels::winograd {

int64_t pair_count(const ConvShape& shape) {
  const auto grid = grid_of(shape);
  return (shape.images + 1) / 2 * grid.rows * grid.columns;
}

int64_t pooled_pair_count(const ConvShape& shape) {
  const auto grid = pooled_grid_of(shape);
  return (shape.images + 1) / 2 * grid.rows * grid.columns;
}

int64_t gather_scratch(const ConvShape& shape) {
  return pair_sums_scratch<InputTiles, GradientTiles, PlainInput<bf16>>(shape.in, shape.out);
}

void gather_weight_gradient(const ConvShape& shape, const bf16* x, const bf16* gradient, float* sums,
                            void* scratch, const Part& part) {
  sum_pairs<InputTiles, GradientTiles>(grid_of(shape), shape.in, shape.out, PlainInput(x, shape, shape.in),
                                       PlainInput(gradient + part.first_column, shape, shape.out), sums,
                                       scratch, part);
}

void gather_weight_gradient(const ConvShape& shape, const bf16* x, const PooledGradient& gradient,
                            float* sums, void* scratch, const Part& part) {
  const PooledGradient from{gradient.values + part.first_column, gradient.winners + part.first_column};
  sum_pairs<InputTiles, GradientTiles>(pooled_grid_of(shape), shape.in, shape.out,
                                       PlainInput(x, shape, shape.in), UnpooledInput(from, shape, shape.out),
                                       sums, scratch, part);
}

void finish_weight_gradient(const ConvShape& shape, const float* sums, int64_t parts, float* weight_gradient,
                            int64_t begin, int64_t end) {
  finish_pairs<kProducts>(shape, sums, parts, weight_gradient, begin, end,
                          [](const __m512(&u)[kProducts], __m512(&taps)[9])
                              __attribute__((always_inline)) { transform_filter_gradient(u, taps); });
}

}  // namespace cifar10::kernels::winograd
