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
  static constexpr int64_t kBorder = 1, kPitch = 2, kRows = 3, kColumns = 3;
  using Pixels = Strip<Input, 3>;

  template <class Lanes>
  CIFAR10_METHOD void begin(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes) {
    pixels.load(x, channel, lanes, columns_[2]);
  }

  template <class Lanes>
  CIFAR10_METHOD void next(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes) {
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i) columns_[0][i] = columns_[2][i];
    pixels.load(x + 1, channel, lanes, columns_[1]);
    pixels.load(x + 2, channel, lanes, columns_[2]);
  }

  CIFAR10_METHOD void row(int i, __m512 (&values)[kColumns]) const {
#pragma GCC unroll 3
    for (int j = 0; j < 3; ++j) values[j] = columns_[j][i];
  }

 private:
  __m512 columns_[3][3];
};

// An output pixel's gradient.
template <class Input>
class OwnPixel {
 public:
  static constexpr int64_t kBorder = 0, kPitch = 1, kRows = 1, kColumns = 1;
  using Pixels = Strip<Input, 1>;

  template <class Lanes>
  CIFAR10_METHOD void begin(const Pixels&, int64_t, int64_t, Lanes) {}

  template <class Lanes>
  CIFAR10_METHOD void next(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes) {
    pixels.load(x, channel, lanes, value_);
  }

  CIFAR10_METHOD void row(int, __m512 (&value)[1]) const { value[0] = value_[0]; }

 private:
  __m512 value_[1];
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
  return pair_sums_scratch<SeenPixels<PlainInput<bf16>>, OwnPixel<PlainInput<bf16>>>(shape.in, shape.out);
}

void gather_weight_gradient(const ConvShape& shape, const bf16* x, const bf16* gradient, float* sums,
                            void* scratch, const Part& part) {
  const auto results = results_of(shape);
  sum_pairs<SeenPixels<PlainInput<bf16>>, OwnPixel<PlainInput<bf16>>>(
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
