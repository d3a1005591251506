// Owns the products of small matrices in registers, in bfloat16 or float32, and how results are cut into
// panels. For files compiled for AVX-512 only.
#pragma once

#include "kernels/pixels_avx512.h"

namespace cifar10::kernels {
namespace {  // each file that includes this has its own: no symbol is shared with code for other processors

// How many values of a row one instruction takes.
template <class Value>
constexpr int64_t kStep = 4 / sizeof(Value);

template <class Value>
int64_t vectors_at(int64_t column, int64_t columns) {
  return smaller(kPanel<Value>, round_up(columns - column, kLanes)) / kLanes;
}

// a0 b0 a1 b1 … in bfloat16: the pairs that a dot-product instruction multiplies and adds.
CIFAR10_INLINE __m512i interleave(__m512 a, __m512 b) {
  const auto joined = (__m512i)_mm512_cvtne2ps_pbh(b, a);
  const auto order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22,
                                      6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, joined);
}

CIFAR10_INLINE __m512bh broadcast(const bf16* step) {
  int32_t pair;
  __builtin_memcpy(&pair, step, sizeof pair);
  return (__m512bh)_mm512_set1_epi32(pair);
}
CIFAR10_INLINE __m512 broadcast(const float* step) { return _mm512_set1_ps(*step); }

CIFAR10_INLINE __m512bh load_columns(const bf16* steps) { return (__m512bh)_mm512_loadu_si512(steps); }
CIFAR10_INLINE __m512 load_columns(const float* steps) { return _mm512_loadu_ps(steps); }

CIFAR10_INLINE __m512 add_product(__m512 sum, __m512bh row, __m512bh columns) {
  return _mm512_dpbf16_ps(sum, row, columns);
}
CIFAR10_INLINE __m512 add_product(__m512 sum, __m512 row, __m512 columns) {
  return _mm512_fmadd_ps(row, columns, sum);
}

template <class Value>
struct Left {  // [rows,steps,kStep]: row r, step s at values + r·row + s·step
  const Value* values;
  int64_t row;
  int64_t step;
};
template <class Value>
struct Right {  // [steps,columns,kStep]
  const Value* values;
  int64_t step;
};
struct Product {  // [rows,columns]
  float* values;
  int64_t row;
};

// A number as a type: what a lambda takes to choose a template's argument.
template <int kValue>
struct Constant {
  constexpr operator int() const { return kValue; }
};

// kRows x 16·kVectors results, in registers over the whole reduction.
template <int kRows, int kVectors, bool kAdds, class Value>
CIFAR10_INLINE void multiply(const Left<Value>& left, const Right<Value>& right, int64_t steps,
                             const Product& product) {
  __m512 sums[kRows][kVectors];
#pragma GCC unroll 32
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j)
      sums[i][j] =
          kAdds ? _mm512_loadu_ps(product.values + i * product.row + j * kLanes) : _mm512_setzero_ps();
  for (int64_t s = 0; s < steps; ++s) {
    decltype(load_columns(right.values)) columns[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j)
      columns[j] = load_columns(right.values + s * right.step + j * kStep<Value> * kLanes);
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) {
      const auto row = broadcast(left.values + i * left.row + s * left.step);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sums[i][j] = add_product(sums[i][j], row, columns[j]);
    }
  }
#pragma GCC unroll 32
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j)
      _mm512_storeu_ps(product.values + i * product.row + j * kLanes, sums[i][j]);
}

}  // namespace
}  // namespace cifar10::kernels
