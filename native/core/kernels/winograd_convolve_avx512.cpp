// Convolutions in training and their gradients by input. Compiled for AVX-512 with bfloat16, and only called
// where the processor has it. Nothing of the standard library but integer types is used here: a template
// instantiated in this file could be the one that the linker keeps for all.
#include "kernels/winograd_convolve_avx512.h"

namespace cifar10::kernels::winograd {
namespace {

struct AddTo {
  const bf16* addend;

  template <class Lanes>
  CIFAR10_METHOD __m512 operator()(__m512 result, int64_t at, int64_t, Lanes lanes) const {
    return result + load(addend + at, lanes);
  }
};

}  // namespace

int64_t tile_count(const ConvShape& shape) {
  const auto grid = grid_of(shape);
  return shape.images * grid.rows * grid.columns;
}

int64_t pooled_tile_count(const ConvShape& shape) {
  const auto grid = pooled_grid_of(shape);
  return shape.images * grid.rows * grid.columns;
}

template <class Value>
int64_t convolve_scratch(const ConvShape& shape) {
  const int64_t channels = shape.in > shape.out ? shape.in : shape.out;
  return kProducts * kBlock<Value> *
         (kPanel<Value> * int64_t(sizeof(float)) + channels * int64_t(sizeof(Value)));
}
template int64_t convolve_scratch<bf16>(const ConvShape& shape);
template int64_t convolve_scratch<float>(const ConvShape& shape);

void convolve(const ConvShape& shape, const bf16* x, const bf16* packed, bf16* y, void* scratch,
              int64_t begin, int64_t end) {
  convolve_tiles(grid_of(shape), shape.in, shape.out, PlainInput(x, shape, shape.in), packed,
                 PlainOutput(y, shape, shape.out, AsItIs()), scratch, {begin, end});
}

void convolve_and_pool(const ConvShape& shape, const bf16* x, const bf16* packed, const PooledOutput& y,
                       void* scratch, int64_t begin, int64_t end) {
  convolve_tiles(pooled_grid_of(shape), shape.in, shape.out, PlainInput(x, shape, shape.in), packed,
                 MaxPoolOutput(y.values, y.winners, shape, AsItIs()), scratch, {begin, end});
}

void backward_data(const ConvShape& shape, const bf16* gradient, const bf16* packed, const bf16* addend,
                   bf16* x_gradient, void* scratch, int64_t begin, int64_t end) {
  const PlainInput input(gradient, shape, shape.out);
  if (addend == nullptr)
    convolve_tiles(grid_of(shape), shape.out, shape.in, input, packed,
                   PlainOutput(x_gradient, shape, shape.in, AsItIs()), scratch, {begin, end});
  else
    convolve_tiles(grid_of(shape), shape.out, shape.in, input, packed,
                   PlainOutput(x_gradient, shape, shape.in, AddTo{addend}), scratch, {begin, end});
}

void backward_data(const ConvShape& shape, const PooledGradient& gradient, const bf16* packed,
                   bf16* x_gradient, void* scratch, int64_t begin, int64_t end) {
  convolve_tiles(grid_of(shape), shape.out, shape.in, UnpooledInput(gradient, shape, shape.out), packed,
                 PlainOutput(x_gradient, shape, shape.in, AsItIs()), scratch, {begin, end});
}

}  // namespace cifar10::kernels::winograd
