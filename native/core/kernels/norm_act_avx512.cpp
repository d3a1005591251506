// Compiled for AVX-512 with bfloat16, and only called where the processor has it.
#include "kernels/lanes_avx512.h"
#include "kernels/norm_act.h"

namespace cifar10::kernels::norm_act {
namespace {

using namespace avx512;

constexpr int64_t kRows = 64;  // summed in float32 before they are added in float64

// e^a for a ≤ 0: 2^n · e^r with |r| ≤ ln 2 / 2, Taylor to r⁶, relative error below 2e-7.
CIFAR10_INLINE __m512 exp_of_negative(__m512 a) {
  a = _mm512_max_ps(_mm512_set1_ps(-100), a);  // far below what bfloat16 keeps of a result; NaN stays
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

// Φ from Abramowitz & Stegun 7.1.26, whose exponential φ shares.
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

// A layer at one vector of channels.
template <class Lanes>
struct Vector {
  int64_t channel;
  Lanes lanes;
  __m512 scale;
  __m512 offset;
};

template <class Lanes>
CIFAR10_INLINE Vector<Lanes> vector_at(const Layer& layer, int64_t channel, Lanes lanes) {
  return {channel, lanes, load_floats(layer.scale + channel, lanes),
          load_floats(layer.offset + channel, lanes)};
}

struct Value {
  __m512 x;
  __m512 u;  // before the activation
};

template <class Lanes>
CIFAR10_INLINE Value value_at(const Layer& layer, const Vector<Lanes>& vector, int64_t row) {
  const int64_t at = row * layer.channels + vector.channel;
  const auto x = load_bf16(layer.x + at, vector.lanes);
  const auto u = _mm512_fmadd_ps(x, vector.scale, vector.offset);
  return {x, layer.residual == nullptr ? u : u + load_bf16(layer.residual + at, vector.lanes)};
}

CIFAR10_INLINE void add_to(double* sums, SomeLanes lanes, __m512 values) {
  const auto low = _mm512_cvtps_pd(_mm512_castps512_ps256(values));
  const auto high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(values, 1));
  _mm512_mask_storeu_pd(sums, __mmask8(lanes), _mm512_maskz_loadu_pd(__mmask8(lanes), sums) + low);
  _mm512_mask_storeu_pd(sums + 8, __mmask8(lanes >> 8),
                        _mm512_maskz_loadu_pd(__mmask8(lanes >> 8), sums + 8) + high);
}
CIFAR10_INLINE void add_to(double* sums, AllLanes, __m512 values) { add_to(sums, SomeLanes(0xffff), values); }

// Calls visit(channel, lanes, first row, last row) for blocks of rows: a vector of channels in them, and what
// is summed over it, stay in the first-level cache.
template <class Visit>
CIFAR10_INLINE void for_each_block(int64_t channels, int64_t begin, int64_t end, const Visit& visit) {
  for (int64_t row = begin; row < end; row += kRows) {
    const int64_t last = row + kRows < end ? row + kRows : end;
    for_each_vector(channels, [&](int64_t channel, auto lanes)
                                  __attribute__((always_inline)) { visit(channel, lanes, row, last); });
  }
}

template <Activation kActivation>
void apply_as(const Layer& layer, bf16* y, int64_t begin, int64_t end) {
  for_each_block(layer.channels, begin, end, [&](int64_t channel, auto lanes, int64_t first, int64_t last) {
    const auto vector = vector_at(layer, channel, lanes);
    for (int64_t row = first; row < last; ++row)
      store_bf16(y + row * layer.channels + channel, lanes,
                 activate<kActivation>(value_at(layer, vector, row).u));
  });
}

template <Activation kActivation>
void gather_gradients_as(const Layer& layer, const bf16* gradient, const float* mean, double* sums,
                         int64_t begin, int64_t end) {
  for_each_block(layer.channels, begin, end, [&](int64_t channel, auto lanes, int64_t first, int64_t last) {
    const auto vector = vector_at(layer, channel, lanes);
    const auto center = load_floats(mean + channel, lanes);
    auto total = _mm512_setzero_ps(), weighted = total;
    for (int64_t row = first; row < last; ++row) {
      const auto value = value_at(layer, vector, row);
      const auto incoming = load_bf16(gradient + row * layer.channels + channel, lanes);
      const auto du = activation_gradient<kActivation>(value.u, incoming);
      total += du;
      weighted = _mm512_fmadd_ps(du, value.x - center, weighted);
    }
    add_to(sums + channel, lanes, total);
    add_to(sums + layer.channels + channel, lanes, weighted);
  });
}

template <Activation kActivation>
void spread_gradients_as(const Layer& layer, const bf16* gradient, const InputGradient& result, int64_t begin,
                         int64_t end) {
  for_each_block(layer.channels, begin, end, [&](int64_t channel, auto lanes, int64_t first, int64_t last) {
    const auto vector = vector_at(layer, channel, lanes);
    const auto slope = load_floats(result.slope + channel, lanes),
               constant = load_floats(result.constant + channel, lanes);
    for (int64_t row = first; row < last; ++row) {
      const int64_t at = row * layer.channels + channel;
      const auto value = value_at(layer, vector, row);
      const auto du = activation_gradient<kActivation>(value.u, load_bf16(gradient + at, lanes));
      store_bf16(result.x + at, lanes,
                 _mm512_fmadd_ps(du, vector.scale, _mm512_fmadd_ps(value.x, slope, constant)));
      if (result.residual != nullptr) store_bf16(result.residual + at, lanes, du);
    }
  });
}

}  // namespace

void gather_statistics(const bf16* x, const float* shift, int64_t channels, double* sums, int64_t begin,
                       int64_t end) {
  for_each_block(channels, begin, end, [&](int64_t channel, auto lanes, int64_t first, int64_t last) {
    const auto center = load_floats(shift + channel, lanes);
    auto total = _mm512_setzero_ps(), squares = total;
    for (int64_t row = first; row < last; ++row) {
      const auto value = load_bf16(x + row * channels + channel, lanes) - center;
      total += value;
      squares = _mm512_fmadd_ps(value, value, squares);
    }
    add_to(sums + channel, lanes, total);
    add_to(sums + channels + channel, lanes, squares);
  });
}

void apply(const Layer& layer, bf16* y, int64_t begin, int64_t end) {
  if (layer.activation == Activation::kGelu) return apply_as<Activation::kGelu>(layer, y, begin, end);
  if (layer.activation == Activation::kRelu) return apply_as<Activation::kRelu>(layer, y, begin, end);
  apply_as<Activation::kNone>(layer, y, begin, end);
}

void gather_gradients(const Layer& layer, const bf16* gradient, const float* mean, double* sums,
                      int64_t begin, int64_t end) {
  if (layer.activation == Activation::kGelu)
    return gather_gradients_as<Activation::kGelu>(layer, gradient, mean, sums, begin, end);
  if (layer.activation == Activation::kRelu)
    return gather_gradients_as<Activation::kRelu>(layer, gradient, mean, sums, begin, end);
  gather_gradients_as<Activation::kNone>(layer, gradient, mean, sums, begin, end);
}

void spread_gradients(const Layer& layer, const bf16* gradient, const InputGradient& result, int64_t begin,
                      int64_t end) {
  if (layer.activation == Activation::kGelu)
    return spread_gradients_as<Activation::kGelu>(layer, gradient, result, begin, end);
  if (layer.activation == Activation::kRelu)
    return spread_gradients_as<Activation::kRelu>(layer, gradient, result, begin, end);
  spread_gradients_as<Activation::kNone>(layer, gradient, result, begin, end);
}

}  // namespace cifar10::kernels::norm_act
