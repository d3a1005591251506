// Compiled for AVX-512 with bfloat16, and only called where the processor has it. Nothing of the standard
// library but integer types is used here: a template instantiated in this file could be the one that the
// linker keeps for all.
#include "kernels/winograd_products_avx512.h"
#include "kernels/winograd_transforms_avx512.h"

namespace cifar10::kernels::winograd {

namespace {

SomeLanes lanes_left(int64_t channels) {
  return channels >= kLanes ? SomeLanes(0xffff) : SomeLanes((1u << channels) - 1);
}

// The filters from output channel `out` to the input channels at `in`: nine vectors over input channels.
CIFAR10_INLINE void load_filters(const Shape& shape, const float* weight, int64_t out, int64_t in,
                                 bool rotated, __m512 (&g)[3][3]) {
  const auto lanes = lanes_left(shape.in - in);
#pragma GCC unroll 9
  for (int tap = 0; tap < 9; ++tap) {
    const int from = rotated ? 8 - tap : tap;
    g[tap / 3][tap % 3] = _mm512_maskz_loadu_ps(lanes, weight + (out * 9 + from) * shape.in + in);
  }
}

// Panels of up to 64 output channels, each [16,in/2,channels,2].
void pack_forward(const Shape& shape, const float* weight, bf16* packed, int64_t out) {
  const int64_t column = out / kPanel * kPanel;
  const int64_t columns = vectors_at(column, shape.out) * kLanes;
  auto* const panel = reinterpret_cast<int32_t*>(packed + column * kProducts * shape.in);
  const auto rows =
      _mm256_mullo_epi32(_mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0), _mm256_set1_epi32(int32_t(columns)));
  for (int64_t in = 0; in < shape.in; in += kLanes) {
    __m512 g[3][3], u[4][4];
    load_filters(shape, weight, out, in, /*rotated=*/false, g);
    transform_filter(g, u);
    const auto pairs = __mmask8(lanes_left((shape.in - in) / 2));
    for (int t = 0; t < kProducts; ++t)
      _mm256_mask_i32scatter_epi32(panel + (t * shape.in + in) / 2 * columns + out - column, pairs, rows,
                                   to_bf16(u[t / 4][t % 4]), 4);
  }
}

// Panels of up to 64 input channels, each [16,out/2,channels,2], of the filters turned by 180 degrees.
void pack_backward(const Shape& shape, const float* weight, bf16* packed, int64_t out) {
  for (int64_t in = 0; in < shape.in; in += kLanes) {
    const int64_t column = in / kPanel * kPanel;
    const int64_t columns = vectors_at(column, shape.in) * kLanes;
    bf16* const panel = packed + column * kProducts * shape.out;
    __m512 g[3][3], a[4][4], b[4][4];
    load_filters(shape, weight, out, in, /*rotated=*/true, g);
    transform_filter(g, a);
    load_filters(shape, weight, out + 1, in, /*rotated=*/true, g);
    transform_filter(g, b);
    for (int t = 0; t < kProducts; ++t)
      _mm512_storeu_si512(panel + ((t * shape.out + out) / 2 * columns + in - column) * 2,
                          interleave(a[t / 4][t % 4], b[t / 4][t % 4]));
  }
}

}  // namespace

int64_t packed_size(const Shape& shape, Direction direction) {
  const bool forward = direction == Direction::kForward;
  return kProducts * (forward ? shape.in : shape.out) * round_up(forward ? shape.out : shape.in, kLanes);
}

void pack_weights(const Shape& shape, Direction direction, const float* weight, bf16* packed, int64_t begin,
                  int64_t end) {
  for (int64_t out = begin; out < end; out += 2) {
    if (direction == Direction::kBackward) {
      pack_backward(shape, weight, packed, out);
    } else {
      pack_forward(shape, weight, packed, out);
      pack_forward(shape, weight, packed, out + 1);
    }
  }
}

}  // namespace cifar10::kernels::winograd
