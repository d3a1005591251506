// Owns activations and their derivatives, sixteen values at a time. For files compiled for AVX-512 only.
#pragma once

#include "kernels/activation.h"
#include "kernels/lanes_avx512.h"

namespace cifar10::kernels {
namespace {  // each file that includes this has its own: no symbol is shared with code for other processors

// e^a for a ≤ 0: 2^n · e^r with |r| ≤ ln 2 / 2, Taylor to r⁶, relative error below 2e-7.
CIFAR10_INLINE __m512 exp_of_negative(__m512 a) {
  a = _mm512_max_ps(_mm512_set1_ps(-100), a);  // below e⁻¹⁰⁰ a float32 result is the same without; NaN stays
  const auto n =
      _mm512_roundscale_ps(a * _mm512_set1_ps(1.44269504F), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  auto r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375F), a);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4F), r);
  constexpr float kTaylor[] = {1.0F / 120, 1.0F / 24, 1.0F / 6, 0.5F, 1.0F, 1.0F};
  auto sum = _mm512_set1_ps(1.0F / 720);
  for (const float term : kTaylor) sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(term));
  return _mm512_scalef_ps(sum, n);
}

struct Normal {
  __m512 density;     // φ(u)
  __m512 cumulative;  // Φ(u)
};

// Φ from Abramowitz & Stegun 7.1.26, whose exponential φ shares: wrong by less than 1e-7, half of that
// formula's error.
CIFAR10_INLINE Normal normal_at(__m512 u) {
  const auto one = _mm512_set1_ps(1), size = _mm512_abs_ps(u);
  const auto bell = exp_of_negative(u * u * _mm512_set1_ps(-0.5F));
  const auto t = one / _mm512_fmadd_ps(size, _mm512_set1_ps(0.3275911F * 0.70710678F), one);
  constexpr float kTerms[] = {-1.453152027F, 1.421413741F, -0.284496736F, 0.254829592F};
  auto sum = _mm512_set1_ps(1.061405429F);
  for (const float term : kTerms) sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(term));
  const auto tail = sum * t * bell * _mm512_set1_ps(0.5F);  // of 1 − Φ(|u|)
  const auto is_negative = _mm512_cmp_ps_mask(u, _mm512_setzero_ps(), _CMP_LT_OQ);
  return {bell * _mm512_set1_ps(0.39894228F), _mm512_mask_mov_ps(one - tail, is_negative, tail)};
}

template <Activation kActivation>
CIFAR10_INLINE __m512 activate(__m512 u) {
  if constexpr (kActivation == Activation::kGelu) return u * normal_at(u).cumulative;
  if constexpr (kActivation == Activation::kRelu) return _mm512_max_ps(_mm512_setzero_ps(), u);  // NaN stays
  return u;
}

template <Activation kActivation>
CIFAR10_INLINE __m512 activation_gradient(__m512 u, __m512 gradient) {
  if constexpr (kActivation == Activation::kGelu) {
    const auto normal = normal_at(u);
    return gradient * _mm512_fmadd_ps(u, normal.density, normal.cumulative);
  }
  if constexpr (kActivation == Activation::kRelu)
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(u, _mm512_setzero_ps(), _CMP_NLE_UQ), gradient);
  return gradient;
}

}  // namespace
}  // namespace cifar10::kernels
