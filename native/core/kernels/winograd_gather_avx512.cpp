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

// A chunk of pairs, transformed, and where the sums of their products go.
struct Chunk {
  const bf16* v;  // [16,kPairs,in], in pairs of images
  const bf16* g;  // [16,kPairs,columns]
  int64_t in;
  int64_t columns;
  int64_t pairs;
  float* sums;  // [16,in,columns], rows `out` apart
  int64_t out;
};

// vᵀ g for the output channels column…column + 16·kVectors.
template <int kVectors, bool kAdds>
void multiply_pairs(const Chunk& chunk, int64_t column) {
  const int64_t in = chunk.in, columns = chunk.columns, out = chunk.out;
  for (int64_t t = 0; t < kProducts; ++t) {
    const bf16* const v = chunk.v + t * kPairs * in * 2;
    float* const sums = chunk.sums + t * in * out + column;
    const Right<bf16> right{chunk.g + (t * kPairs * columns + column) * 2, 2 * columns};
    const auto left = [&](int64_t row) { return Left<bf16>{v + row * 2, 2, 2 * in}; };
    const auto product = [&](int64_t row) { return Product{sums + row * out, out}; };
    int64_t row = 0;
    for (; row + 6 <= in; row += 6) multiply<6, kVectors, kAdds>(left(row), right, chunk.pairs, product(row));
    for (; row < in; row += 2) multiply<2, kVectors, kAdds>(left(row), right, chunk.pairs, product(row));
  }
}

template <bool kAdds>
void multiply_pairs(const Chunk& chunk) {
  for (int64_t column = 0; column < chunk.columns; column += kPanel<bf16>) {
    const int64_t vectors = vectors_at<bf16>(column, chunk.columns);
    if (vectors == 4) multiply_pairs<4, kAdds>(chunk, column);
    if (vectors == 3) multiply_pairs<3, kAdds>(chunk, column);
    if (vectors == 2) multiply_pairs<2, kAdds>(chunk, column);
    if (vectors == 1) multiply_pairs<1, kAdds>(chunk, column);
  }
}

// `gradient` begins at the part's first column.
template <class Gradient>
void gather_pairs(const Grid& grid, int64_t in, int64_t out, const PlainInput<bf16>& x,
                  const Gradient& gradient, float* sums, void* scratch, const Part& part) {
  const int64_t columns = smaller(part.last_column, out) - part.first_column;
  bf16* const v = static_cast<bf16*>(scratch);
  bf16* const g = v + kProducts * kPairs * in * 2;
  for (int64_t begin = part.begin; begin < part.end; begin += kPairs) {
    const int64_t pairs = smaller(kPairs, part.end - begin);
    grid.for_each_run(begin, begin + pairs, [&](int64_t i, const Tile& first, int64_t tiles) {
      write_pairs<InputTiles>(x, first, tiles, in, v + i * in * 2, kPairs * in * 2);
      write_pairs<GradientTiles>(gradient, first, tiles, columns, g + i * columns * 2, kPairs * columns * 2);
    });
    const Chunk chunk{v, g, in, columns, pairs, sums + part.first_column, out};
    if (begin == part.begin)
      multiply_pairs<false>(chunk);
    else
      multiply_pairs<true>(chunk);
  }
}

// The gradient at 16 input and 16 output channels at most, from the sums of products at `sums`.
void finish_square(const Shape& shape, const float* sums, int64_t parts, int64_t in, int64_t out,
                   float* weight_gradient) {
  const int64_t plane = shape.in * shape.out, channels = smaller(kLanes, shape.in - in);
  __m512 taps[9][kLanes] = {};  // a vector over output channels for each input channel
  for (int64_t i = 0; i < channels; ++i) {
    __m512 u[4][4], g[3][3];
    for (int t = 0; t < kProducts; ++t) {
      const float* const first = sums + t * plane + (in + i) * shape.out + out;
      auto sum = _mm512_loadu_ps(first);
      for (int64_t part = 1; part < parts; ++part) sum += _mm512_loadu_ps(first + part * kProducts * plane);
      u[t / 4][t % 4] = sum;
    }
    transform_filter_gradient(u, g);
    for (int tap = 0; tap < 9; ++tap) taps[tap][i] = g[tap / 3][tap % 3];
  }
  for (int tap = 0; tap < 9; ++tap) {
    transpose(taps[tap]);
    for (int64_t o = 0; o < kLanes; ++o)
      store(weight_gradient + ((out + o) * 9 + tap) * shape.in + in, first_lanes(channels), taps[tap][o]);
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
                            void* scratch, const Part& part) {
  gather_pairs(grid_of(shape), shape.in, shape.out, PlainInput(x, shape, shape.in),
               PlainInput(gradient + part.first_column, shape, shape.out), sums, scratch, part);
}

void gather_weight_gradient(const Shape& shape, const bf16* x, const PooledGradient& gradient, float* sums,
                            void* scratch, const Part& part) {
  const PooledGradient from{gradient.values + part.first_column, gradient.winners + part.first_column};
  gather_pairs(pooled_grid_of(shape), shape.in, shape.out, PlainInput(x, shape, shape.in),
               UnpooledInput(from, shape, shape.out), sums, scratch, part);
}

void finish_weight_gradient(const Shape& shape, const float* sums, int64_t parts, float* weight_gradient,
                            int64_t begin, int64_t end) {
  for (int64_t out = 0; out < shape.out; out += kLanes)
    for (int64_t in = begin; in < end; in += kSquare)
      finish_square(shape, sums, parts, in, out, weight_gradient);
}

}  // namespace cifar10::kernels::winograd
