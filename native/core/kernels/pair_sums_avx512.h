// Owns sums over pairs of images, which the gradient of the weights is made of: transformed inputs and
// gradients, interleaved, their products, and the way back from those. For files compiled for AVX-512 only.
#pragma once

#include "kernels/products_avx512.h"

namespace cifar10::kernels {
namespace {  // each file that includes this has its own: no symbol is shared with code for other processors

// Pairs of a partial sum, which is read and written once for them.
constexpr int64_t kPairs = 128;

// Pairs lie in strips of some channels, [channels/kWidth,kPairs,kWidth,2]: what a register tile reads is
// contiguous, and with the strip of the other side stays in the first-level cache.
constexpr int64_t kInputStrip = 16, kGradientStrip = 32;
template <int64_t kWidth>
int64_t strip_at(int64_t channel) {
  return (channel / kWidth * kPairs * kWidth + channel % kWidth) * 2;
}

// The same tiles of two images, interleaved, from pair `index` on. `first.image` counts pairs of images.
// Values t of a tile are `plane` elements apart.
template <class Tiles, int64_t kWidth, class Input>
void write_pairs(const Input& input, const Tile& first, int64_t count, int64_t channels, bf16* pairs,
                 int64_t index, int64_t plane) {
  constexpr int64_t kPitch = Tiles::kPitch, kColumns = Tiles::kColumns;
  const int64_t y = kPitch * first.row - Tiles::kBorder;
  const typename Tiles::Pixels even(input, 2 * first.image, y), odd(input, 2 * first.image + 1, y);
  for_each_vector(channels, [&](int64_t channel, auto lanes) __attribute__((always_inline)) {
    Tiles even_tiles, odd_tiles;
    int64_t x = kPitch * first.column - Tiles::kBorder;
    even_tiles.begin(even, x, channel, lanes);
    odd_tiles.begin(odd, x, channel, lanes);
    bf16* to = pairs + strip_at<kWidth>(channel) + index * kWidth * 2;
    for (int64_t i = 0; i < count; ++i, x += kPitch, to += kWidth * 2) {
      even_tiles.next(even, x, channel, lanes);
      odd_tiles.next(odd, x, channel, lanes);
      bf16* value = to;
#pragma GCC unroll 6
      for (int r = 0; r < Tiles::kRows; ++r) {
        __m512 a[kColumns], b[kColumns];
        even_tiles.row(r, a);
        odd_tiles.row(r, b);
#pragma GCC unroll 6
        for (int c = 0; c < kColumns; ++c, value += plane) store_pairs(value, lanes, interleave(a[c], b[c]));
      }
    }
  });
}

// A chunk of pairs, transformed, and where the sums of their products go.
struct Chunk {
  int64_t planes;  // products
  const bf16* v;   // strips of kInputStrip channels, of each product `v_plane` elements apart
  int64_t v_plane;
  const bf16* g;    // strips of kGradientStrip
  int64_t g_plane;  // 0: the same in all products
  int64_t in;
  int64_t columns;
  int64_t pairs;
  float* sums;  // [planes,in,columns], rows `out` apart
  int64_t out;
};

template <int kRows, int kVectors>
CIFAR10_INLINE void prefetch(const Product& product) {
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) __builtin_prefetch(product.values + i * product.row + j * kLanes);
}

// vᵀ g for the output channels column…column + 16·kVectors.
template <int kVectors, bool kAdds>
void multiply_pairs(const Chunk& chunk, int64_t plane, int64_t column) {
  constexpr int kRows = 8;  // `in` is a multiple of it
  const bf16* const v = chunk.v + plane * chunk.v_plane;
  const bf16* const g = chunk.g + plane * chunk.g_plane;
  float* const sums = chunk.sums + plane * chunk.in * chunk.out + column;
  const Right<bf16> right{g + strip_at<kGradientStrip>(column), kGradientStrip * 2};
  const auto product_at = [&](int64_t row) { return Product{sums + row * chunk.out, chunk.out}; };
  for (int64_t row = 0; row < chunk.in; row += kRows) {
    if (row + kRows < chunk.in) prefetch<kRows, kVectors>(product_at(row + kRows));
    multiply<kRows, kVectors, kAdds>(Left<bf16>{v + strip_at<kInputStrip>(row), 2, kInputStrip * 2}, right,
                                     chunk.pairs, product_at(row));
  }
}

template <bool kAdds>
void multiply_pairs(const Chunk& chunk) {
  for (int64_t plane = 0; plane < chunk.planes; ++plane) {
    int64_t column = 0;
    for (; column + kGradientStrip <= chunk.columns; column += kGradientStrip)
      multiply_pairs<kGradientStrip / kLanes, kAdds>(chunk, plane, column);
    if (column < chunk.columns) multiply_pairs<1, kAdds>(chunk, plane, column);
  }
}

template <class Tiles>
constexpr int64_t kTileValues = Tiles::kRows * Tiles::kColumns;

template <class XTiles, class GradientTiles>
constexpr int64_t pair_sums_scratch(int64_t in, int64_t out) {
  return kPairs * 2 *
         (kTileValues<XTiles> * round_up(in, kInputStrip) +
          kTileValues<GradientTiles> * round_up(out, kGradientStrip)) *
         int64_t(sizeof(bf16));
}

// The part's columns of sums [values of a tile of x,in,out]. `gradient` begins at the first of them, and its
// tiles have as many values, or one.
template <class XTiles, class GradientTiles, class Gradient>
void sum_pairs(const Grid& grid, int64_t in, int64_t out, const PlainInput<bf16>& x, const Gradient& gradient,
               float* sums, void* scratch, const Part& part) {
  constexpr int64_t kPlanes = kTileValues<XTiles>;
  const int64_t columns = smaller(part.last_column, out) - part.first_column;
  const int64_t v_plane = kPairs * round_up(in, kInputStrip) * 2;
  const int64_t g_plane = kPairs * round_up(columns, kGradientStrip) * 2;
  bf16* const v = static_cast<bf16*>(scratch);
  bf16* const g = v + kPlanes * v_plane;
  for (int64_t begin = part.begin; begin < part.end; begin += kPairs) {
    const int64_t pairs = smaller(kPairs, part.end - begin);
    grid.for_each_run(begin, begin + pairs, [&](int64_t i, const Tile& first, int64_t tiles) {
      write_pairs<XTiles, kInputStrip>(x, first, tiles, in, v, i, v_plane);
      write_pairs<GradientTiles, kGradientStrip>(gradient, first, tiles, columns, g, i, g_plane);
    });
    const int64_t step = kTileValues<GradientTiles> == 1 ? 0 : g_plane;
    const Chunk chunk{.planes = kPlanes,
                      .v = v,
                      .v_plane = v_plane,
                      .g = g,
                      .g_plane = step,
                      .in = in,
                      .columns = columns,
                      .pairs = pairs,
                      .sums = sums + part.first_column,
                      .out = out};
    if (begin == part.begin)
      multiply_pairs<false>(chunk);
    else
      multiply_pairs<true>(chunk);
  }
}

// The gradient at kSquare input and as many output channels at most, from `parts` of sums [kPlanes,in,out].
// to_taps(sums of an input channel, taps): a vector over output channels for each of the nine taps.
template <int kPlanes, class ToTaps>
CIFAR10_INLINE void finish_square(const ConvShape& shape, const float* sums, int64_t parts, int64_t in,
                                  int64_t out, float* weight_gradient, const ToTaps& to_taps) {
  static_assert(kSquare == kLanes);
  const int64_t plane = shape.in * shape.out, channels = smaller(kSquare, shape.in - in);
  __m512 taps[9][kLanes] = {};
  for (int64_t i = 0; i < channels; ++i) {
    __m512 u[kPlanes], g[9];
    for (int t = 0; t < kPlanes; ++t) {
      const float* const first = sums + t * plane + (in + i) * shape.out + out;
      u[t] = _mm512_loadu_ps(first);
      for (int64_t part = 1; part < parts; ++part) u[t] += _mm512_loadu_ps(first + part * kPlanes * plane);
    }
    to_taps(u, g);
    for (int tap = 0; tap < 9; ++tap) taps[tap][i] = g[tap];
  }
  for (int tap = 0; tap < 9; ++tap) {
    transpose(taps[tap]);
    for (int64_t o = 0; o < kLanes; ++o)
      store(weight_gradient + ((out + o) * 9 + tap) * shape.in + in, first_lanes(channels), taps[tap][o]);
  }
}

template <int kPlanes, class ToTaps>
CIFAR10_INLINE void finish_pairs(const ConvShape& shape, const float* sums, int64_t parts,
                                 float* weight_gradient, int64_t begin, int64_t end, const ToTaps& to_taps) {
  for (int64_t out = 0; out < shape.out; out += kSquare)
    for (int64_t in = begin; in < end; in += kSquare)
      finish_square<kPlanes>(shape, sums, parts, in, out, weight_gradient, to_taps);
}

}  // namespace
}  // namespace cifar10::kernels
