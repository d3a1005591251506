// The passes of strided.h. Compiled for AVX-512 with bfloat16, and only called where the processor has it.
// Nothing of the standard library but integer types is used here: a template instantiated in this file could
// be the one that the linker keeps for all.
#include "kernels/pair_sums_avx512.h"
#include "kernels/strided.h"

namespace cifar10::kernels::strided {
namespace {

// The nine pixels that an output pixel sees, row by row: neighbours share a column.
template <class Input>
class SeenPixels {
 public:
  static constexpr int64_t kBorder = 1, kPitch = 2, kValues = 9;
  using Pixels = Strip<Input, 3>;

  template <class Lanes>
  CIFAR10_METHOD void begin(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes) {
    pixels.load(x, channel, lanes, left_);
  }

  template <class Lanes>
  CIFAR10_METHOD void next(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes,
                           __m512 (&values)[kValues]) {
    __m512 middle[3], right[3];
    pixels.load(x + 1, channel, lanes, middle);
    pixels.load(x + 2, channel, lanes, right);
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i) {
      values[3 * i] = left_[i];
      values[3 * i + 1] = middle[i];
      values[3 * i + 2] = right[i];
      left_[i] = right[i];
    }
  }

 private:
  __m512 left_[3];
};

// An output pixel's gradient.
template <class Input>
class OwnPixel {
 public:
  static constexpr int64_t kBorder = 0, kPitch = 1, kValues = 1;
  using Pixels = Strip<Input, 1>;

  template <class Lanes>
  CIFAR10_METHOD void begin(const Pixels&, int64_t, int64_t, Lanes) {}

  template <class Lanes>
  CIFAR10_METHOD void next(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes,
                           __m512 (&value)[kValues]) {
    pixels.load(x, channel, lanes, value);
  }
};

ConvShape results_of(const ConvShape& shape) {
  return {shape.images, (shape.height + 1) / 2, (shape.width + 1) / 2, shape.in, shape.out};
}

}  // namespace

int64_t pair_count(const ConvShape& shape) {
  const auto results = results_of(shape);
  return (shape.images + 1) / 2 * results.height * results.width;
}

int64_t gather_scratch(const ConvShape& shape) {
  return pair_sums_scratch<SeenPixels, OwnPixel, PlainInput<bf16>>(shape.in, shape.out);
}

void gather_weight_gradient(const ConvShape& shape, const bf16* x, const bf16* gradient, float* sums,
                            void* scratch, const Part& part) {
  const auto results = results_of(shape);
  sum_pairs<SeenPixels, OwnPixel>(
      Grid{results.height, results.width}, shape.in, shape.out, PlainInput(x, shape, shape.in),
      PlainInput(gradient + part.first_column, results, shape.out), sums, scratch, part);
}

void finish_weight_gradient(const ConvShape& shape, const float* sums, int64_t parts, float* weight_gradient,
                            int64_t begin, int64_t end) {
  finish_pairs<9>(shape, sums, parts, weight_gradient, begin, end,
                  [](const __m512(&u)[9], __m512(&taps)[9]) __attribute__((always_inline)) {
                    for (int tap = 0; tap < 9; ++tap) taps[tap] = u[tap];
                  });
}

}  // namespace cifar10::kernels::strided
