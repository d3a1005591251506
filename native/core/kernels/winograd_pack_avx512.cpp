// Weights, transformed and in the order in which the products read them. Compiled for AVX-512 with bfloat16,
// and only called where the processor has it. Nothing of the standard library but integer types is used here:
// a template instantiated in this file could be the one that the linker keeps for all.
#include "kernels/products_avx512.h"
#include "kernels/winograd_transforms_avx512.h"

namespace cifar10::kernels::winograd {

namespace {

// The filters from output channel `out` to the input channels at `in`: nine vectors over input channels.
CIFAR10_INLINE void load_filters(const ConvShape& shape, const float* weight, int64_t out, int64_t in,
                                 bool rotated, __m512 (&g)[3][3]) {
  const auto lanes = first_lanes(shape.in - in);
#pragma GCC unroll 9
  for (int tap = 0; tap < 9; ++tap) {
    const int from = rotated ? 8 - tap : tap;
    g[tap / 3][tap % 3] = _mm512_maskz_loadu_ps(lanes, weight + (out * 9 + from) * shape.in + in);
  }
}

// The values of up to sixteen input channels, or of as many in pairs, into rows of `columns` values or pairs.
CIFAR10_INLINE void scatter(float* to, int64_t channels, int64_t columns, __m512 values) {
  const auto rows = _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                                       _mm512_set1_epi32(int32_t(columns)));
  _mm512_mask_i32scatter_ps(to, first_lanes(channels), rows, values, 4);
}
CIFAR10_INLINE void scatter(bf16* to, int64_t channels, int64_t columns, __m512 values) {
  const auto rows =
      _mm256_mullo_epi32(_mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0), _mm256_set1_epi32(int32_t(columns)));
  _mm256_mask_i32scatter_epi32(to, __mmask8(first_lanes(channels / 2)), rows, to_bf16(values), 4);
}

// Panels of up to kPanel output channels, each [kProducts,in/kStep,channels,kStep].
template <int kSide, class Value>
void pack_forward(const ConvShape& shape, const float* weight, Value* packed, int64_t out) {
  constexpr int64_t kValues = kSide + 2;
  const int64_t column = out / kPanel<Value> * kPanel<Value>;
  const int64_t columns = vectors_at<Value>(column, shape.out) * kLanes;
  Value* const panel = packed + column * kProducts<kSide> * shape.in;
  for (int64_t in = 0; in < shape.in; in += kLanes) {
    __m512 g[3][3], u[kValues][kValues];
    load_filters(shape, weight, out, in, /*rotated=*/false, g);
    transform_filter<kSide>(g, u);
    for (int t = 0; t < kProducts<kSide>; ++t)
      scatter(panel + (t * shape.in + in) * columns + (out - column) * kStep<Value>, shape.in - in, columns,
              u[t / kValues][t % kValues]);
  }
}

// Panels of up to 64 input channels, each [kProducts,out/2,channels,2], of the filters turned by 180 degrees.
template <int kSide>
void pack_backward(const ConvShape& shape, const float* weight, bf16* packed, int64_t out) {
  constexpr int64_t kValues = kSide + 2;
  for (int64_t in = 0; in < shape.in; in += kLanes) {
    const int64_t column = in / kPanel<bf16> * kPanel<bf16>;
    const int64_t columns = vectors_at<bf16>(column, shape.in) * kLanes;
    bf16* const panel = packed + column * kProducts<kSide> * shape.out;
    __m512 g[3][3], a[kValues][kValues], b[kValues][kValues];
    load_filters(shape, weight, out, in, /*rotated=*/true, g);
    transform_filter<kSide>(g, a);
    load_filters(shape, weight, out + 1, in, /*rotated=*/true, g);
    transform_filter<kSide>(g, b);
    for (int t = 0; t < kProducts<kSide>; ++t)
      _mm512_storeu_si512(panel + ((t * shape.out + out) / 2 * columns + in - column) * 2,
                          interleave(a[t / kValues][t % kValues], b[t / kValues][t % kValues]));
  }
}

}  // namespace

template <int kSide>
int64_t packed_size(const ConvShape& shape, Direction direction) {
  const bool forward = direction == Direction::kForward;
  return kProducts<kSide> * (forward ? shape.in : shape.out) *
         round_up(forward ? shape.out : shape.in, kLanes);
}

template <int kSide>
void pack_weights(const ConvShape& shape, Direction direction, const float* weight, bf16* packed,
                  int64_t begin, int64_t end) {
  for (int64_t out = begin; out < end; out += 2) {
    if (direction == Direction::kBackward) {
      pack_backward<kSide>(shape, weight, packed, out);
    } else {
      pack_forward<kSide>(shape, weight, packed, out);
      pack_forward<kSide>(shape, weight, packed, out + 1);
    }
  }
}

template <int kSide>
void pack_weights(const ConvShape& shape, const float* weight, float* packed, int64_t begin, int64_t end) {
  for (int64_t out = begin; out < end; ++out) pack_forward<kSide>(shape, weight, packed, out);
}

// What winograd.h declares and this file defines, for a tile's side.
#define CIFAR10_INSTANTIATE(kSide)                                                                       \
  template int64_t packed_size<kSide>(const ConvShape&, Direction);                                      \
  template void pack_weights<kSide>(const ConvShape&, Direction, const float*, bf16*, int64_t, int64_t); \
  template void pack_weights<kSide>(const ConvShape&, const float*, float*, int64_t, int64_t);
CIFAR10_INSTANTIATE(2)
CIFAR10_INSTANTIATE(4)

}  // namespace cifar10::kernels::winograd
