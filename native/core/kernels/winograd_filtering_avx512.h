// Owns the five linear maps of one-dimensional filtering F(m,3): m results of a filter with three taps, from
// m + 2 pixels by as many products. A tile's two dimensions take them in turn (winograd_transforms_avx512.h).
// For files compiled for AVX-512 only.
#pragma once

#include "kernels/lanes_avx512.h"

namespace cifar10::kernels::winograd {
namespace {  // each file that includes this has its own: no symbol is shared with code for other processors

using namespace avx512;

// Lavin & Gray 2015, whose matrices Bᵀ, G and Aᵀ `pixels`, `filter` and `results` are; `gradients` is A and
// `filter_gradient` Gᵀ. Each: from one array to the other, by lane.
template <int kSide>
struct Filtering;

// At the points 0, 1, −1 and ∞.
template <>
struct Filtering<2> {
  static CIFAR10_METHOD void pixels(const __m512 (&d)[4], __m512 (&v)[4]) {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
  }
  static CIFAR10_METHOD void gradients(const __m512 (&y)[2], __m512 (&v)[4]) {
    v[0] = y[0];
    v[1] = y[0] + y[1];
    v[2] = y[0] - y[1];
    v[3] = -y[1];
  }
  static CIFAR10_METHOD void results(const __m512 (&m)[4], __m512 (&y)[2]) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
  }
  static CIFAR10_METHOD void filter(const __m512 (&g)[3], __m512 (&u)[4]) {
    const auto half = _mm512_set1_ps(0.5F);
    const auto ends = g[0] + g[2];
    u[0] = g[0];
    u[1] = half * (ends + g[1]);
    u[2] = half * (ends - g[1]);
    u[3] = g[2];
  }
  static CIFAR10_METHOD void filter_gradient(const __m512 (&u)[4], __m512 (&g)[3]) {
    const auto half = _mm512_set1_ps(0.5F);
    const auto sum = half * (u[1] + u[2]);
    g[0] = u[0] + sum;
    g[1] = half * (u[1] - u[2]);
    g[2] = sum + u[3];
  }
};

// At the points 0, ±a, ±b and ∞. Of all a and b in sixteenths these round least, or nearly: in bfloat16
// results are off by 0.9 to 1.1 %, at the usual ±1 and ±2 by 2.0 to 2.6 %, by F(2,3) by 0.3 to 0.4 %
// (scripts/winograd-points.py).
template <>
struct Filtering<4> {
  static CIFAR10_METHOD void pixels(const __m512 (&d)[6], __m512 (&v)[6]) {
    v[0] = all_points(d[0], d[2], d[4]);
    both_signs(a, fma(-b2, d[2], d[4]), fma(-b2, d[1], d[3]), v[1], v[2]);
    both_signs(b, fma(-a2, d[2], d[4]), fma(-a2, d[1], d[3]), v[3], v[4]);
    v[5] = all_points(d[1], d[3], d[5]);
  }
  static CIFAR10_METHOD void gradients(const __m512 (&y)[4], __m512 (&v)[6]) {
    v[0] = y[0];
    both_signs(a, fma(a2, y[2], y[0]), fma(a2, y[3], y[1]), v[1], v[2]);
    both_signs(b, fma(b2, y[2], y[0]), fma(b2, y[3], y[1]), v[3], v[4]);
    v[5] = y[3];
  }
  static CIFAR10_METHOD void results(const __m512 (&m)[6], __m512 (&y)[4]) {
    const auto sum_a = m[1] + m[2], difference_a = m[1] - m[2];
    const auto sum_b = m[3] + m[4], difference_b = m[3] - m[4];
    y[0] = m[0] + sum_a + sum_b;
    y[1] = fma(a, difference_a, b * difference_b);
    y[2] = fma(a2, sum_a, b2 * sum_b);
    y[3] = fma(a * a2, difference_a, fma(b * b2, difference_b, m[5]));
  }
  static CIFAR10_METHOD void filter(const __m512 (&g)[3], __m512 (&u)[6]) {
    u[0] = at_0 * g[0];
    both_signs(a * at_a, at_a * fma(a2, g[2], g[0]), g[1], u[1], u[2]);
    both_signs(b * at_b, at_b * fma(b2, g[2], g[0]), g[1], u[3], u[4]);
    u[5] = g[2];
  }
  static CIFAR10_METHOD void filter_gradient(const __m512 (&u)[6], __m512 (&g)[3]) {
    const auto sum_a = at_a * (u[1] + u[2]), sum_b = at_b * (u[3] + u[4]);
    g[0] = fma(at_0, u[0], sum_a + sum_b);
    g[1] = fma(a * at_a, u[1] - u[2], (b * at_b) * (u[3] - u[4]));
    g[2] = fma(a2, sum_a, fma(b2, sum_b, u[5]));
  }

 private:
  static constexpr float a = 11.F / 16, b = 25.F / 16, a2 = a * a, b2 = b * b;
  // One over the product of a point's differences from the other finite ones.
  static constexpr float at_0 = 1 / (a2 * b2), at_a = 1 / (2 * a2 * (a2 - b2)),
                         at_b = 1 / (2 * b2 * (b2 - a2));

  // Rounded once, wherever it stands: the compiler must not choose (ISO C++ without extensions), and two
  // functions with the same transform agree to the bit.
  static CIFAR10_METHOD __m512 fma(float factor, __m512 x, __m512 y) {
    return _mm512_fmadd_ps(_mm512_set1_ps(factor), x, y);
  }
  static CIFAR10_METHOD void both_signs(float point, __m512 even, __m512 odd, __m512& at_plus,
                                        __m512& at_minus) {
    at_plus = fma(point, odd, even);
    at_minus = fma(-point, odd, even);
  }
  // (x² − a²)(x² − b²) in the place of x⁰, x² and x⁴.
  static CIFAR10_METHOD __m512 all_points(__m512 d0, __m512 d2, __m512 d4) {
    return fma(a2 * b2, d0, fma(-(a2 + b2), d2, d4));
  }
};

}  // namespace
}  // namespace cifar10::kernels::winograd
