// Owns the products of small matrices in registers, and how results are cut into panels. For files compiled
// for AVX-512 only.
#pragma once

#include "kernels/winograd_tiles_avx512.h"

namespace cifar10::kernels::winograd {
namespace {  // each file that includes this has its own: no symbol is shared with code for other processors

constexpr int64_t kPanel = 64;  // result channels of a register tile

inline int64_t vectors_at(int64_t column, int64_t columns) {
  return smaller(kPanel, round_up(columns - column, kLanes)) / kLanes;
}

// a0 b0 a1 b1 … in bfloat16: the pairs that a dot-product instruction multiplies and adds.
CIFAR10_INLINE __m512i interleave(__m512 a, __m512 b) {
  const auto joined = (__m512i)_mm512_cvtne2ps_pbh(b, a);
  const auto order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22,
                                      6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, joined);
}

struct Left {  // [rows,2·pairs]: row r, pair p at values + r·row + p·pair
  const bf16* values;
  int64_t row;
  int64_t pair;
};
struct Right {  // [pairs,columns,2]
  const bf16* values;
  int64_t pair;
};
struct Product {  // [rows,columns]
  float* values;
  int64_t row;
};

// kRows x 16·kVectors results, in registers over the whole reduction.
template <int kRows, int kVectors, bool kAdds>
CIFAR10_INLINE void multiply(const Left& left, const Right& right, int64_t pairs, const Product& product) {
  __m512 sums[kRows][kVectors];
#pragma GCC unroll 32
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j)
      sums[i][j] =
          kAdds ? _mm512_loadu_ps(product.values + i * product.row + j * kLanes) : _mm512_setzero_ps();
  for (int64_t p = 0; p < pairs; ++p) {
    __m512bh columns[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j)
      columns[j] = (__m512bh)_mm512_loadu_si512(right.values + p * right.pair + j * 2 * kLanes);
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) {
      int32_t pair;
      __builtin_memcpy(&pair, left.values + i * left.row + p * left.pair, sizeof pair);
      const auto row = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sums[i][j] = _mm512_dpbf16_ps(sums[i][j], row, columns[j]);
    }
  }
#pragma GCC unroll 32
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j)
      _mm512_storeu_ps(product.values + i * product.row + j * kLanes, sums[i][j]);
}

}  // namespace
}  // namespace cifar10::kernels::winograd
