// Owns the transforms of F(m×m,3×3), m being `kSide`: of pixels, of gradients, of filters, and back, each a
// map of winograd_filtering_avx512.h by columns, then by rows. For files compiled for AVX-512 only.
#pragma once

#include "kernels/winograd_filtering_avx512.h"
#include "kernels/winograd_tiles_avx512.h"

namespace cifar10::kernels::winograd {
namespace {  // each file that includes this has its own: no symbol is shared with code for other processors

// Bᵀ d B, with the names of Lavin & Gray, for the tiles of one row from left to right: neighbours share two
// of their columns.
template <int kSide, class Input>
class InputTiles {
 public:
  static constexpr int64_t kBorder = 1, kPitch = kSide, kRows = kSide + 2, kColumns = kSide + 2;
  using Pixels = Strip<Input, kRows>;

  template <class Lanes>
  CIFAR10_METHOD void begin(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes) {
    load(pixels, x, channel, lanes, columns_[kSide]);
    load(pixels, x + 1, channel, lanes, columns_[kSide + 1]);
  }

  // On to the tile at x.
  template <class Lanes>
  CIFAR10_METHOD void next(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes) {
#pragma GCC unroll 6
    for (int i = 0; i < kRows; ++i) {
      columns_[0][i] = columns_[kSide][i];
      columns_[1][i] = columns_[kSide + 1][i];
    }
#pragma GCC unroll 4
    for (int j = 2; j < kColumns; ++j) {
      pixels.prefetch(x + kPitch + j, channel);
      load(pixels, x + j, channel, lanes, columns_[j]);
    }
  }

  // A row of its values.
  CIFAR10_METHOD void row(int i, __m512 (&v)[kColumns]) const {
    __m512 d[kColumns];
#pragma GCC unroll 6
    for (int j = 0; j < kColumns; ++j) d[j] = columns_[j][i];
    Filtering<kSide>::pixels(d, v);
  }

 private:
  template <class Lanes>
  static CIFAR10_METHOD void load(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes,
                                  __m512 (&column)[kRows]) {
    __m512 d[kRows];
    pixels.load(x, channel, lanes, d);
    Filtering<kSide>::pixels(d, column);
  }

  __m512 columns_[kColumns][kRows];
};

// A g Aᵀ: the gradients of tiles' results, spread over their products.
template <int kSide, class Input>
class GradientTiles {
 public:
  static constexpr int64_t kBorder = 0, kPitch = kSide, kRows = kSide + 2, kColumns = kSide + 2;
  using Pixels = Strip<Input, kSide>;

  template <class Lanes>
  CIFAR10_METHOD void begin(const Pixels&, int64_t, int64_t, Lanes) {}

  template <class Lanes>
  CIFAR10_METHOD void next(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes) {
#pragma GCC unroll 4
    for (int j = 0; j < kSide; ++j) {
      __m512 g[kSide];
      pixels.prefetch(x + kPitch + j, channel);
      pixels.load(x + j, channel, lanes, g);
      Filtering<kSide>::gradients(g, columns_[j]);
    }
  }

  CIFAR10_METHOD void row(int i, __m512 (&v)[kColumns]) const {
    __m512 g[kSide];
#pragma GCC unroll 4
    for (int j = 0; j < kSide; ++j) g[j] = columns_[j][i];
    Filtering<kSide>::gradients(g, v);
  }

 private:
  __m512 columns_[kSide][kRows];
};

// Aᵀ m A: the sums of products at `sums`, a plane apart, to the tile's results.
template <int kSide>
CIFAR10_INLINE void transform_output(const float* sums, int64_t plane, __m512 (&y)[kSide][kSide]) {
  constexpr int kValues = kSide + 2;
  __m512 rows[kSide][kValues];
#pragma GCC unroll 6
  for (int j = 0; j < kValues; ++j) {
    __m512 m[kValues], column[kSide];
#pragma GCC unroll 6
    for (int i = 0; i < kValues; ++i) m[i] = _mm512_loadu_ps(sums + (kValues * i + j) * plane);
    Filtering<kSide>::results(m, column);
#pragma GCC unroll 4
    for (int i = 0; i < kSide; ++i) rows[i][j] = column[i];
  }
#pragma GCC unroll 4
  for (int i = 0; i < kSide; ++i) Filtering<kSide>::results(rows[i], y[i]);
}

// G g Gᵀ of a 3x3 filter.
template <int kSide>
CIFAR10_INLINE void transform_filter(const __m512 (&g)[3][3], __m512 (&u)[kSide + 2][kSide + 2]) {
  constexpr int kValues = kSide + 2;
  __m512 rows[kValues][3];
#pragma GCC unroll 3
  for (int j = 0; j < 3; ++j) {
    const __m512 taps[3] = {g[0][j], g[1][j], g[2][j]};
    __m512 column[kValues];
    Filtering<kSide>::filter(taps, column);
#pragma GCC unroll 6
    for (int i = 0; i < kValues; ++i) rows[i][j] = column[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < kValues; ++i) Filtering<kSide>::filter(rows[i], u[i]);
}

// Gᵀ u G: the way back, for the gradient of a filter, both row by row.
template <int kSide>
CIFAR10_INLINE void transform_filter_gradient(const __m512 (&u)[kProducts<kSide>], __m512 (&g)[9]) {
  constexpr int kValues = kSide + 2;
  __m512 rows[3][kValues];
#pragma GCC unroll 6
  for (int j = 0; j < kValues; ++j) {
    __m512 column[kValues], taps[3];
#pragma GCC unroll 6
    for (int i = 0; i < kValues; ++i) column[i] = u[kValues * i + j];
    Filtering<kSide>::filter_gradient(column, taps);
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i) rows[i][j] = taps[i];
  }
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) {
    __m512 taps[3];
    Filtering<kSide>::filter_gradient(rows[i], taps);
#pragma GCC unroll 3
    for (int j = 0; j < 3; ++j) g[3 * i + j] = taps[j];
  }
}

}  // namespace
}  // namespace cifar10::kernels::winograd
