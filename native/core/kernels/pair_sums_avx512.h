// Owns sums over pairs of images, which the gradient of the weights is made of: transformed inputs and
// gradients, interleaved, their products, and the way back from those. For files compiled for AVX-512 only.
#pragma once

#include "kernels/products_avx512.h"

namespace cifar10::kernels {
namespace {  // each file that includes this has its own: no symbol is shared with code for other processors

// Pairs of a partial sum, which is read and written once for them.
constexpr int64_t kPairs = 128;

// The same tiles of two images, interleaved. `first.image` counts pairs of images. Values t of a tile are
// `plane` elements apart.
template <template <class> class Tiles, class Input>
void write_pairs(const Input& input, const Tile& first, int64_t count, int64_t channels, bf16* row,
                 int64_t plane) {
  using Transform = Tiles<Input>;
  constexpr int64_t kPitch = Transform::kPitch;
  const int64_t y = kPitch * first.row - Transform::kBorder;
  const typename Transform::Pixels even(input, 2 * first.image, y), odd(input, 2 * first.image + 1, y);
  for_each_vector(channels, [&](int64_t channel, auto lanes) __attribute__((always_inline)) {
    Transform even_tiles, odd_tiles;
    int64_t x = kPitch * first.column - Transform::kBorder;
    even_tiles.begin(even, x, channel, lanes);
    odd_tiles.begin(odd, x, channel, lanes);
    bf16* to = row + 2 * channel;
    for (int64_t i = 0; i < count; ++i, x += kPitch, to += 2 * channels) {
      __m512 a[Transform::kValues], b[Transform::kValues];
      even_tiles.next(even, x, channel, lanes, a);
      odd_tiles.next(odd, x, channel, lanes, b);
#pragma GCC unroll 16
      for (int t = 0; t < Transform::kValues; ++t) store_pairs(to + t * plane, lanes, interleave(a[t], b[t]));
    }
  });
}

// A chunk of pairs, transformed, and where the sums of their products go.
struct Chunk {
  int64_t planes;   // products
  const bf16* v;    // [planes,kPairs,in], in pairs of images
  const bf16* g;    // [kPairs,columns], of each product `g_plane` elements apart
  int64_t g_plane;  // 0: the same in all of them
  int64_t in;
  int64_t columns;
  int64_t pairs;
  float* sums;  // [planes,in,columns], rows `out` apart
  int64_t out;
};

// vᵀ g for the output channels column…column + 16·kVectors.
template <int kVectors, bool kAdds>
void multiply_pairs(const Chunk& chunk, int64_t column) {
  const int64_t in = chunk.in, columns = chunk.columns, out = chunk.out;
  for (int64_t t = 0; t < chunk.planes; ++t) {
    const bf16* const v = chunk.v + t * kPairs * in * 2;
    float* const sums = chunk.sums + t * in * out + column;
    const Right<bf16> right{chunk.g + t * chunk.g_plane + column * 2, 2 * columns};
    const auto left = [&](int64_t row) { return Left<bf16>{v + row * 2, 2, 2 * in}; };
    const auto product = [&](int64_t row) { return Product{sums + row * out, out}; };
    int64_t row = 0;
    for (; row + 6 <= in; row += 6) multiply<6, kVectors, kAdds>(left(row), right, chunk.pairs, product(row));
    for (; row < in; row += 2) multiply<2, kVectors, kAdds>(left(row), right, chunk.pairs, product(row));
  }
}

template <bool kAdds>
void multiply_pairs(const Chunk& chunk) {
  for (int64_t column = 0; column < chunk.columns; column += kPanel<bf16>) {
    const int64_t vectors = vectors_at<bf16>(column, chunk.columns);
    if (vectors == 4) multiply_pairs<4, kAdds>(chunk, column);
    if (vectors == 3) multiply_pairs<3, kAdds>(chunk, column);
    if (vectors == 2) multiply_pairs<2, kAdds>(chunk, column);
    if (vectors == 1) multiply_pairs<1, kAdds>(chunk, column);
  }
}

template <template <class> class XTransform, template <class> class GradientTransform, class Gradient>
constexpr int64_t pair_sums_scratch(int64_t in, int64_t out) {
  return kPairs * 2 *
         (XTransform<PlainInput<bf16>>::kValues * in + GradientTransform<Gradient>::kValues * out) *
         int64_t(sizeof(bf16));
}

// The part's columns of sums [values of a tile of x,in,out]. `gradient` begins at the first of them, and its
// tiles have as many values, or one.
template <template <class> class XTransform, template <class> class GradientTransform, class Gradient>
void sum_pairs(const Grid& grid, int64_t in, int64_t out, const PlainInput<bf16>& x, const Gradient& gradient,
               float* sums, void* scratch, const Part& part) {
  constexpr int64_t kPlanes = XTransform<PlainInput<bf16>>::kValues;
  const int64_t columns = smaller(part.last_column, out) - part.first_column;
  const int64_t v_plane = kPairs * in * 2, g_plane = kPairs * columns * 2;
  bf16* const v = static_cast<bf16*>(scratch);
  bf16* const g = v + kPlanes * v_plane;
  for (int64_t begin = part.begin; begin < part.end; begin += kPairs) {
    const int64_t pairs = smaller(kPairs, part.end - begin);
    grid.for_each_run(begin, begin + pairs, [&](int64_t i, const Tile& first, int64_t tiles) {
      write_pairs<XTransform>(x, first, tiles, in, v + i * in * 2, v_plane);
      write_pairs<GradientTransform>(gradient, first, tiles, columns, g + i * columns * 2, g_plane);
    });
    const int64_t step = GradientTransform<Gradient>::kValues == 1 ? 0 : g_plane;
    const Chunk chunk{.planes = kPlanes,
                      .v = v,
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
