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

}  // namespace cifar10::avx512
