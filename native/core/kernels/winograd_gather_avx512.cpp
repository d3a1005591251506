// The gradient of the weights: sums over pairs of tiles, and the way back from them. Compiled for AVX-512
// with bfloat16, and only called where the processor has it. Nothing of the standard library but integer
// types is used here: a template instantiated in this file could be the one that the linker keeps for all.
#include "kernels/winograd_products_avx512.h"
#include "kernels/winograd_transforms_avx512.h"

namespace cifar10::kernels::winograd {

namespace {

// Pairs of tiles of a partial sum, which is read and written once for them.
constexpr int64_t kPairs = 128;

// The same tiles of two images, interleaved: what the weights' gradient sums over goes in pairs. `first`
// counts pairs of images.
template <template <class> class Tiles, class Input>
void write_pairs(const Input& input, const Tile& first, int64_t count, int64_t channels, bf16* row,
                 int64_t plane) {
  using Transform = Tiles<Input>;
  const int64_t y = 2 * first.row - Transform::kBorder;
  const typename Transform::Pixels even(input, 2 * first.image, y), odd(input, 2 * first.image + 1, y);
  for_each_vector(channels, [&](int64_t channel, auto lanes) __attribute__((always_inline)) {
    Transform even_tiles, odd_tiles;
    int64_t x = 2 * first.column - Transform::kBorder;
    even_tiles.begin(even, x, channel, lanes);
    odd_tiles.begin(odd, x, channel, lanes);
    bf16* to = row + 2 * channel;
    for (int64_t i = 0; i < count; ++i, x += 2, to += 2 * channels) {
      __m512 a[kProducts], b[kProducts];
      even_tiles.next(even, x, channel, lanes, a);
      odd_tiles.next(odd, x, channel, lanes, b);
#pragma GCC unroll 16
      for (int t = 0; t < kProducts; ++t) store_pairs(to + t * plane, lanes, interleave(a[t], b[t]));
    }
  });
}

// sums [16,in,out] += vᵀ g over the pairs of tiles.
template <int kVectors>
void add_products(const bf16* v, const bf16* g, int64_t in, int64_t out, int64_t column, int64_t pairs,
                  float* sums) {
  for (int64_t t = 0; t < kProducts; ++t) {
    const Right<bf16> right{g + (t * kPairs * out + column) * 2, 2 * out};
    const auto left = [&](int64_t row) { return Left<bf16>{v + (t * kPairs * in + row) * 2, 2, 2 * in}; };
    const auto product = [&](int64_t row) { return Product{sums + (t * in + row) * out + column, out}; };
    int64_t row = 0;
    for (; row + 6 <= in; row += 6) multiply<6, kVectors, true>(left(row), right, pairs, product(row));
    for (; row < in; row += 2) multiply<2, kVectors, true>(left(row), right, pairs, product(row));
  }
}

// For the pairs of tiles begin…end.
template <class Gradient>
void gather_pairs(const Grid& grid, int64_t in, int64_t out, const PlainInput<bf16>& x,
                  const Gradient& gradient, float* sums, void* scratch, int64_t begin, int64_t end) {
  bf16* const v = static_cast<bf16*>(scratch);
  bf16* const g = v + kProducts * kPairs * in * 2;
  for (int64_t chunk = begin; chunk < end; chunk += kPairs) {
    const int64_t pairs = smaller(kPairs, end - chunk);
    grid.for_each_run(chunk, chunk + pairs, [&](int64_t i, const Tile& first, int64_t tiles) {
      write_pairs<InputTiles>(x, first, tiles, in, v + i * in * 2, kPairs * in * 2);
      write_pairs<GradientTiles>(gradient, first, tiles, out, g + i * out * 2, kPairs * out * 2);
    });
    for (int64_t column = 0; column < out; column += kPanel<bf16>) {
      const int64_t vectors = vectors_at<bf16>(column, out);
      if (vectors == 4) add_products<4>(v, g, in, out, column, pairs, sums);
      if (vectors == 3) add_products<3>(v, g, in, out, column, pairs, sums);
      if (vectors == 2) add_products<2>(v, g, in, out, column, pairs, sums);
      if (vectors == 1) add_products<1>(v, g, in, out, column, pairs, sums);
    }
  }
}

}  // namespace

int64_t pair_count(const Shape& shape) {
  const auto grid = grid_of(shape);
  return (shape.images + 1) / 2 * grid.rows * grid.columns;
}

int64_t pooled_pair_count(const Shape& shape) {
  const auto grid = pooled_grid_of(shape);
  return (shape.images + 1) / 2 * grid.rows * grid.columns;
}

int64_t gather_scratch(const Shape& shape) {
  return kProducts * kPairs * 2 * (shape.in + shape.out) * int64_t(sizeof(bf16));
}

void gather_weight_gradient(const Shape& shape, const bf16* x, const bf16* gradient, float* sums,
                            void* scratch, int64_t begin, int64_t end) {
  gather_pairs(grid_of(shape), shape.in, shape.out, PlainInput(x, shape, shape.in),
               PlainInput(gradient, shape, shape.out), sums, scratch, begin, end);
}

void gather_weight_gradient(const Shape& shape, const bf16* x, const PooledGradient& gradient, float* sums,
                            void* scratch, int64_t begin, int64_t end) {
  gather_pairs(pooled_grid_of(shape), shape.in, shape.out, PlainInput(x, shape, shape.in),
               UnpooledInput(gradient, shape, shape.out), sums, scratch, begin, end);
}

void finish_weight_gradient(const Shape& shape, const float* sums, int64_t parts, float* weight_gradient,
                            int64_t begin, int64_t end) {
  const int64_t plane = shape.in * shape.out;
  const auto filters =
      _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                         _mm512_set1_epi32(int32_t(9 * shape.in)));
  for (int64_t in = begin; in < end; ++in)
    for (int64_t out = 0; out < shape.out; out += kLanes) {
      __m512 u[4][4], g[3][3];
      for (int t = 0; t < kProducts; ++t) {
        const float* const first = sums + t * plane + in * shape.out + out;
        auto sum = _mm512_loadu_ps(first);
        for (int64_t part = 1; part < parts; ++part) sum += _mm512_loadu_ps(first + part * kProducts * plane);
        u[t / 4][t % 4] = sum;
      }
      transform_filter_gradient(u, g);
      for (int tap = 0; tap < 9; ++tap)
        _mm512_i32scatter_ps(weight_gradient + (out * 9 + tap) * shape.in + in, filters, g[tap / 3][tap % 3],
                             4);
    }
}

}  // namespace cifar10::kernels::winograd
