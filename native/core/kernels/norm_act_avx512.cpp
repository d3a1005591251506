// The passes of norm_act.h, sixteen channels at a time. Compiled for AVX-512 with bfloat16, and only called
// where the processor has it.
#include "kernels/activation_avx512.h"
#include "kernels/lanes_avx512.h"
#include "kernels/norm_act.h"

namespace cifar10::kernels::norm_act {
namespace {

using namespace avx512;

constexpr int64_t kRows = 64;  // summed in float32 before they are added in float64

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
  return {channel, lanes, load(layer.scale + channel, lanes), load(layer.offset + channel, lanes)};
}

struct Value {
  __m512 x;
  __m512 u;  // before the activation
};

template <class Lanes>
CIFAR10_INLINE Value value_at(const Layer& layer, const Vector<Lanes>& vector, int64_t row) {
  const int64_t at = row * layer.channels + vector.channel;
  const auto x = load(layer.x + at, vector.lanes);
  const auto u = _mm512_fmadd_ps(x, vector.scale, vector.offset);
  return {x, layer.residual == nullptr ? u : u + load(layer.residual + at, vector.lanes)};
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
      store(y + row * layer.channels + channel, lanes, activate<kActivation>(value_at(layer, vector, row).u));
  });
}

template <Activation kActivation>
void gather_gradients_as(const Layer& layer, const bf16* gradient, const float* mean, double* sums,
                         int64_t begin, int64_t end) {
  for_each_block(layer.channels, begin, end, [&](int64_t channel, auto lanes, int64_t first, int64_t last) {
    const auto vector = vector_at(layer, channel, lanes);
    const auto center = load(mean + channel, lanes);
    auto total = _mm512_setzero_ps(), weighted = total;
    for (int64_t row = first; row < last; ++row) {
      const auto value = value_at(layer, vector, row);
      const auto incoming = load(gradient + row * layer.channels + channel, lanes);
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
    const auto slope = load(result.slope + channel, lanes), constant = load(result.constant + channel, lanes);
    for (int64_t row = first; row < last; ++row) {
      const int64_t at = row * layer.channels + channel;
      const auto value = value_at(layer, vector, row);
      const auto du = activation_gradient<kActivation>(value.u, load(gradient + at, lanes));
      store(result.x + at, lanes,
            _mm512_fmadd_ps(du, vector.scale, _mm512_fmadd_ps(value.x, slope, constant)));
      if (result.residual != nullptr) store(result.residual + at, lanes, du);
    }
  });
}

}  // namespace

void gather_statistics(const bf16* x, const float* shift, int64_t channels, double* sums, int64_t begin,
                       int64_t end) {
  for_each_block(channels, begin, end, [&](int64_t channel, auto lanes, int64_t first, int64_t last) {
    const auto center = load(shift + channel, lanes);
    auto total = _mm512_setzero_ps(), squares = total;
    for (int64_t row = first; row < last; ++row) {
      const auto value = load(x + row * channels + channel, lanes) - center;
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
