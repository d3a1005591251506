// The gradient of the weights of Winograd's convolutions. Compiled for AVX-512 with bfloat16, and only called
// where the processor has it. Nothing of the standard library but integer types is used here: a template
// instantiated in this file could be the one that the linker keeps for all.
#include "kernels/pair_sums_avx512.h"
#include "kernels/winograd_transforms_avx512.h"

namespace cifar10::kernels::winograd {

namespace {

template <int kSide>
using XTiles = InputTiles<kSide, PlainInput<bf16>>;

}  // namespace

template <int kSide>
int64_t pair_count(const ConvShape& shape) {
  const auto grid = grid_of<kSide>(shape);
  return (shape.images + 1) / 2 * grid.rows * grid.columns;
}

template <int kSide>
int64_t pooled_pair_count(const ConvShape& shape) {
  const auto grid = pooled_grid_of<kSide>(shape);
  return (shape.images + 1) / 2 * grid.rows * grid.columns;
}

template <int kSide>
int64_t gather_scratch(const ConvShape& shape) {
  return pair_sums_scratch<XTiles<kSide>, GradientTiles<kSide, PlainInput<bf16>>>(shape.in, shape.out);
}

template <int kSide>
void gather_weight_gradient(const ConvShape& shape, const bf16* x, const bf16* gradient, float* sums,
                            void* scratch, const Part& part) {
  const PlainInput from(gradient + part.first_column, shape, shape.out);
  sum_pairs<XTiles<kSide>, GradientTiles<kSide, PlainInput<bf16>>>(
      grid_of<kSide>(shape), shape.in, shape.out, PlainInput(x, shape, shape.in), from, sums, scratch, part);
}

template <int kSide>
void gather_weight_gradient(const ConvShape& shape, const bf16* x, const PooledGradient& gradient,
                            float* sums, void* scratch, const Part& part) {
  const PooledGradient columns{gradient.values + part.first_column, gradient.winners + part.first_column};
  const UnpooledInput from(columns, shape, shape.out);
  sum_pairs<XTiles<kSide>, GradientTiles<kSide, UnpooledInput>>(pooled_grid_of<kSide>(shape), shape.in,
                                                                shape.out, PlainInput(x, shape, shape.in),
                                                                from, sums, scratch, part);
}

template <int kSide>
void finish_weight_gradient(const ConvShape& shape, const float* sums, int64_t parts, float* weight_gradient,
                            int64_t begin, int64_t end) {
  finish_pairs<kProducts<kSide>>(
      shape, sums, parts, weight_gradient, begin, end,
      [](const __m512(&u)[kProducts<kSide>], __m512(&taps)[9])
          __attribute__((always_inline)) { transform_filter_gradient<kSide>(u, taps); });
}

// What winograd.h declares and this file defines, for a tile's side.
#define CIFAR10_INSTANTIATE(kSide)                                                                          \
  template int64_t pair_count<kSide>(const ConvShape&);                                                     \
  template int64_t pooled_pair_count<kSide>(const ConvShape&);                                              \
  template int64_t gather_scratch<kSide>(const ConvShape&);                                                 \
  template void gather_weight_gradient<kSide>(const ConvShape&, const bf16*, const bf16*, float*, void*,    \
                                              const Part&);                                                 \
  template void gather_weight_gradient<kSide>(const ConvShape&, const bf16*, const PooledGradient&, float*, \
                                              void*, const Part&);                                          \
  template void finish_weight_gradient<kSide>(const ConvShape&, const float*, int64_t, float*, int64_t,     \
                                              int64_t);
CIFAR10_INSTANTIATE(2)
CIFAR10_INSTANTIATE(4)

}  // namespace cifar10::kernels::winograd
