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

template <int kSide>
int64_t tile_count(const ConvShape& shape) {
  const auto grid = grid_of<kSide>(shape);
  return shape.images * grid.rows * grid.columns;
}

template <int kSide>
int64_t pooled_tile_count(const ConvShape& shape) {
  const auto grid = pooled_grid_of<kSide>(shape);
  return shape.images * grid.rows * grid.columns;
}

template <int kSide, class Value>
int64_t convolve_scratch(const ConvShape& shape) {
  const int64_t channels = shape.in > shape.out ? shape.in : shape.out;
  return kProducts<kSide> * kBlock<kSide> *
         (kPanel<Value> * int64_t(sizeof(float)) + channels * int64_t(sizeof(Value)));
}

template <int kSide>
void convolve(const ConvShape& shape, const bf16* x, const bf16* packed, bf16* y, void* scratch,
              int64_t begin, int64_t end) {
  convolve_tiles<kSide>(grid_of<kSide>(shape), shape.in, shape.out, PlainInput(x, shape, shape.in), packed,
                        PlainOutput(y, shape, shape.out, AsItIs()), scratch, {begin, end});
}

template <int kSide>
void convolve_and_pool(const ConvShape& shape, const bf16* x, const bf16* packed, const PooledOutput& y,
                       void* scratch, int64_t begin, int64_t end) {
  convolve_tiles<kSide>(pooled_grid_of<kSide>(shape), shape.in, shape.out, PlainInput(x, shape, shape.in),
                        packed, MaxPoolOutput(y.values, y.winners, shape, AsItIs()), scratch, {begin, end});
}

template <int kSide>
void backward_data(const ConvShape& shape, const bf16* gradient, const bf16* packed, const bf16* addend,
                   bf16* x_gradient, void* scratch, int64_t begin, int64_t end) {
  const PlainInput input(gradient, shape, shape.out);
  if (addend == nullptr)
    convolve_tiles<kSide>(grid_of<kSide>(shape), shape.out, shape.in, input, packed,
                          PlainOutput(x_gradient, shape, shape.in, AsItIs()), scratch, {begin, end});
  else
    convolve_tiles<kSide>(grid_of<kSide>(shape), shape.out, shape.in, input, packed,
                          PlainOutput(x_gradient, shape, shape.in, AddTo{addend}), scratch, {begin, end});
}

template <int kSide>
void backward_data(const ConvShape& shape, const PooledGradient& gradient, const bf16* packed,
                   bf16* x_gradient, void* scratch, int64_t begin, int64_t end) {
  convolve_tiles<kSide>(grid_of<kSide>(shape), shape.out, shape.in, UnpooledInput(gradient, shape, shape.out),
                        packed, PlainOutput(x_gradient, shape, shape.in, AsItIs()), scratch, {begin, end});
}

// What winograd.h declares and this file defines, for a tile's side.
#define CIFAR10_INSTANTIATE(kSide)                                                                           \
  template int64_t tile_count<kSide>(const ConvShape&);                                                      \
  template int64_t pooled_tile_count<kSide>(const ConvShape&);                                               \
  template int64_t convolve_scratch<kSide, bf16>(const ConvShape&);                                          \
  template int64_t convolve_scratch<kSide, float>(const ConvShape&);                                         \
  template void convolve<kSide>(const ConvShape&, const bf16*, const bf16*, bf16*, void*, int64_t, int64_t); \
  template void convolve_and_pool<kSide>(const ConvShape&, const bf16*, const bf16*, const PooledOutput&,    \
                                         void*, int64_t, int64_t);                                           \
  template void backward_data<kSide>(const ConvShape&, const bf16*, const bf16*, const bf16*, bf16*, void*,  \
                                     int64_t, int64_t);                                                      \
  template void backward_data<kSide>(const ConvShape&, const PooledGradient&, const bf16*, bf16*, void*,     \
                                     int64_t, int64_t);
CIFAR10_INSTANTIATE(2)
CIFAR10_INSTANTIATE(4)

}  // namespace cifar10::kernels::winograd
