// Owns 16 channels at a time as float32 in a register, from and to bfloat16 or float32 memory. For files
// compiled for AVX-512 only.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace cifar10::avx512 {

constexpr int64_t kLanes = 16;

// A function of its own in each file, never one that the linker shares with code for other processors.
#define CIFAR10_INLINE static inline __attribute__((always_inline, unused))
#define CIFAR10_METHOD inline __attribute__((always_inline))

// Which of the lanes hold channels: a type of its own for all of them, because a masked store of 16-bit lanes
// costs Zen 5 many times what a plain one does.
struct AllLanes {};
using SomeLanes = __mmask16;

CIFAR10_INLINE SomeLanes first_lanes(int64_t channels) {
  return channels >= kLanes ? SomeLanes(0xffff) : SomeLanes((1u << channels) - 1);
}

// Calls visit(channel, lanes) for every 16 channels and for what is left of them.
template <class Visit>
CIFAR10_INLINE void for_each_vector(int64_t channels, const Visit& visit) {
  int64_t channel = 0;
  for (; channel + kLanes <= channels; channel += kLanes) visit(channel, AllLanes{});
  if (channel < channels) visit(channel, first_lanes(channels - channel));
}

CIFAR10_INLINE __m256i load_halves(const uint16_t* values, AllLanes) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values));
}
CIFAR10_INLINE __m256i load_halves(const uint16_t* values, SomeLanes lanes) {
  return _mm256_maskz_loadu_epi16(lanes, values);
}

CIFAR10_INLINE __m128i load_bytes(const uint8_t* values, AllLanes) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(values));
}
CIFAR10_INLINE __m128i load_bytes(const uint8_t* values, SomeLanes lanes) {
  return _mm_maskz_loadu_epi8(lanes, values);
}

template <class Lanes>
CIFAR10_INLINE __m512 load(const uint16_t* values, Lanes lanes) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_halves(values, lanes)), 16));
}
CIFAR10_INLINE __m512 load(const float* values, AllLanes) { return _mm512_loadu_ps(values); }
CIFAR10_INLINE __m512 load(const float* values, SomeLanes lanes) {
  return _mm512_maskz_loadu_ps(lanes, values);
}

CIFAR10_INLINE __m256i to_bf16(__m512 values) { return (__m256i)_mm512_cvtneps_pbh(values); }

CIFAR10_INLINE void store(uint16_t* values, AllLanes, __m512 source) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(values), to_bf16(source));
}
CIFAR10_INLINE void store(uint16_t* values, SomeLanes lanes, __m512 source) {
  _mm256_mask_storeu_epi16(values, lanes, to_bf16(source));
}
CIFAR10_INLINE void store(float* values, AllLanes, __m512 source) { _mm512_storeu_ps(values, source); }
CIFAR10_INLINE void store(float* values, SomeLanes lanes, __m512 source) {
  _mm512_mask_storeu_ps(values, lanes, source);
}

CIFAR10_INLINE void store_bytes(uint8_t* values, AllLanes, __m128i source) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(values), source);
}
CIFAR10_INLINE void store_bytes(uint8_t* values, SomeLanes lanes, __m128i source) {
  _mm_mask_storeu_epi8(values, lanes, source);
}

// 16 words of 32 bits: pairs of bfloat16.
CIFAR10_INLINE void store_pairs(uint16_t* values, AllLanes, __m512i source) {
  _mm512_storeu_si512(values, source);
}
CIFAR10_INLINE void store_pairs(uint16_t* values, SomeLanes lanes, __m512i source) {
  _mm512_mask_storeu_epi32(values, lanes, source);
}

// Sixteen rows of sixteen values become sixteen columns.
CIFAR10_INLINE void transpose(__m512 (&rows)[kLanes]) {
  __m512 pairs[kLanes], fours[kLanes];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {  // lane k of fours[i + j]: column 4k + j of the rows i…i + 3
    const auto a = _mm512_castps_pd(pairs[i]), b = _mm512_castps_pd(pairs[i + 1]);
    const auto c = _mm512_castps_pd(pairs[i + 2]), d = _mm512_castps_pd(pairs[i + 3]);
    fours[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
    fours[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    fours[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
    fours[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
  }
  constexpr int kEvenLanes = 0x88, kOddLanes = 0xdd;
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const auto even_above = _mm512_shuffle_f32x4(fours[j], fours[4 + j], kEvenLanes);
    const auto odd_above = _mm512_shuffle_f32x4(fours[j], fours[4 + j], kOddLanes);
    const auto even_below = _mm512_shuffle_f32x4(fours[8 + j], fours[12 + j], kEvenLanes);
    const auto odd_below = _mm512_shuffle_f32x4(fours[8 + j], fours[12 + j], kOddLanes);
    rows[j] = _mm512_shuffle_f32x4(even_above, even_below, kEvenLanes);
    rows[4 + j] = _mm512_shuffle_f32x4(odd_above, odd_below, kEvenLanes);
    rows[8 + j] = _mm512_shuffle_f32x4(even_above, even_below, kOddLanes);
    rows[12 + j] = _mm512_shuffle_f32x4(odd_above, odd_below, kOddLanes);
  }
}

}  // namespace cifar10::avx512
