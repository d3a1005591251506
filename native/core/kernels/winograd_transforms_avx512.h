// Owns the transforms of F(2x2,3x3), with the names of Lavin & Gray 2015: of pixels, of gradients, of
// filters, and back. For files compiled for AVX-512 only.
#pragma once

#include "kernels/winograd_tiles_avx512.h"

namespace cifar10::kernels::winograd {
namespace {  // each file that includes this has its own: no symbol is shared with code for other processors

// The four values that a column of pixels comes to in a transform.
struct Column {
  __m512 rows[4];
};

// Bᵀ d B, with the names of the paper, for the tiles of one row from left to right: neighbours share two of
// their four columns.
template <class Input>
class InputTiles {
 public:
  static constexpr int64_t kBorder = 1, kPitch = 2, kValues = kProducts;
  using Pixels = Strip<Input, 4>;

  template <class Lanes>
  CIFAR10_METHOD void begin(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes) {
    columns_[0] = column(pixels, x, channel, lanes);
    columns_[1] = column(pixels, x + 1, channel, lanes);
  }

  // The tile at x; v: its values row by row.
  template <class Lanes>
  CIFAR10_METHOD void next(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes,
                           __m512 (&v)[kProducts]) {
    const auto third = column(pixels, x + 2, channel, lanes), fourth = column(pixels, x + 3, channel, lanes);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      v[4 * i] = columns_[0].rows[i] - third.rows[i];
      v[4 * i + 1] = columns_[1].rows[i] + third.rows[i];
      v[4 * i + 2] = third.rows[i] - columns_[1].rows[i];
      v[4 * i + 3] = columns_[1].rows[i] - fourth.rows[i];
    }
    columns_[0] = third;
    columns_[1] = fourth;
  }

 private:
  template <class Lanes>
  static CIFAR10_METHOD Column column(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes) {
    __m512 d[4];
    pixels.load(x, channel, lanes, d);
    return {d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]};
  }

  Column columns_[2];
};

// A g Aᵀ: the gradients of tiles' results, spread over their products.
template <class Input>
class GradientTiles {
 public:
  static constexpr int64_t kBorder = 0, kPitch = 2, kValues = kProducts;
  using Pixels = Strip<Input, 2>;

  template <class Lanes>
  CIFAR10_METHOD void begin(const Pixels&, int64_t, int64_t, Lanes) {}

  template <class Lanes>
  CIFAR10_METHOD void next(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes,
                           __m512 (&v)[kProducts]) {
    const auto left = column(pixels, x, channel, lanes), right = column(pixels, x + 1, channel, lanes);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      v[4 * i] = left.rows[i];
      v[4 * i + 1] = left.rows[i] + right.rows[i];
      v[4 * i + 2] = left.rows[i] - right.rows[i];
      v[4 * i + 3] = -right.rows[i];
    }
  }

 private:
  template <class Lanes>
  static CIFAR10_METHOD Column column(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes) {
    __m512 g[2];
    pixels.load(x, channel, lanes, g);
    return {g[0], g[0] + g[1], g[0] - g[1], -g[1]};
  }
};

// Aᵀ m A: the sixteen sums of products at `sums`, a plane apart, to the four results.
CIFAR10_INLINE void transform_output(const float* sums, int64_t plane, __m512 (&y)[2][2]) {
  __m512 rows[2][4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const auto m0 = _mm512_loadu_ps(sums + j * plane), m1 = _mm512_loadu_ps(sums + (4 + j) * plane);
    const auto m2 = _mm512_loadu_ps(sums + (8 + j) * plane), m3 = _mm512_loadu_ps(sums + (12 + j) * plane);
    rows[0][j] = m0 + m1 + m2;
    rows[1][j] = m1 - m2 - m3;
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    y[i][0] = rows[i][0] + rows[i][1] + rows[i][2];
    y[i][1] = rows[i][1] - rows[i][2] - rows[i][3];
  }
}

// G g Gᵀ of a 3x3 filter.
CIFAR10_INLINE void transform_filter(const __m512 (&g)[3][3], __m512 (&u)[4][4]) {
  const auto half = _mm512_set1_ps(0.5F);
  __m512 rows[4][3];
#pragma GCC unroll 3
  for (int j = 0; j < 3; ++j) {
    const auto ends = g[0][j] + g[2][j];
    rows[0][j] = g[0][j];
    rows[1][j] = half * (ends + g[1][j]);
    rows[2][j] = half * (ends - g[1][j]);
    rows[3][j] = g[2][j];
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const auto ends = rows[i][0] + rows[i][2];
    u[i][0] = rows[i][0];
    u[i][1] = half * (ends + rows[i][1]);
    u[i][2] = half * (ends - rows[i][1]);
    u[i][3] = rows[i][2];
  }
}

// Gᵀ u G: the way back, for the gradient of a filter, both row by row.
CIFAR10_INLINE void transform_filter_gradient(const __m512 (&u)[kProducts], __m512 (&g)[9]) {
  const auto half = _mm512_set1_ps(0.5F);
  __m512 rows[3][4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const auto sum = half * (u[4 + j] + u[8 + j]);
    rows[0][j] = u[j] + sum;
    rows[1][j] = half * (u[4 + j] - u[8 + j]);
    rows[2][j] = sum + u[12 + j];
  }
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) {
    const auto sum = half * (rows[i][1] + rows[i][2]);
    g[3 * i] = rows[i][0] + sum;
    g[3 * i + 1] = half * (rows[i][1] - rows[i][2]);
    g[3 * i + 2] = sum + rows[i][3];
  }
}

}  // namespace
}  // namespace cifar10::kernels::winograd
