// Compiled for AVX-512 with bfloat16, and only called where the processor has it. Nothing of the standard
// library but integer types is used here: a template instantiated in this file could be the one that the
// linker keeps for all.
#include "kernels/lanes_avx512.h"
#include "kernels/winograd.h"

namespace cifar10::kernels::winograd {
namespace {

using namespace avx512;

constexpr int64_t kPanel = 64;     // result channels of a register tile
constexpr int64_t kProducts = 16;  // values of a transformed tile: 4x4
// Pairs of tiles of a weight gradient's partial sum, which is read and written once for them.
constexpr int64_t kPairs = 128;

int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t round_up(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

// a0 b0 a1 b1 … in bfloat16: the pairs that a dot-product instruction multiplies and adds.
__m512i interleave(__m512 a, __m512 b) {
  const auto joined = (__m512i)_mm512_cvtne2ps_pbh(b, a);
  const auto order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22,
                                      6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, joined);
}

struct Tile {
  int64_t image;
  int64_t row;
  int64_t column;
};

struct Grid {
  int64_t rows;
  int64_t columns;

  Tile at(int64_t index) const {
    const int64_t line = index / columns;
    return {line / rows, line % rows, index % columns};
  }

  // Calls visit(index − begin, first tile, count) for the runs of tiles beside each other that begin…end
  // consist of.
  template <class Visit>
  void for_each_run(int64_t begin, int64_t end, const Visit& visit) const {
    for (int64_t index = begin; index < end;) {
      const auto tile = at(index);
      const int64_t count = smaller(end - index, columns - tile.column);
      visit(index - begin, tile, count);
      index += count;
    }
  }
};

Grid grid_of(const Shape& shape) { return {(shape.height + 1) / 2, (shape.width + 1) / 2}; }
Grid pooled_grid_of(const Shape& shape) { return {shape.height / 2, shape.width / 2}; }

// What pixels outside the image hold, whatever the channel: zero, and no winner.
alignas(64) constexpr bf16 kZeros[kLanes] = {};
alignas(64) constexpr uint8_t kNoWinners[kLanes] = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};

// Where a tile's values come from: rows of pixels, which are zero outside the image.
class PlainInput {
 public:
  PlainInput(const bf16* values, const Shape& shape, int64_t channels)
      : values_(values),
        images_(shape.images),
        height_(shape.height),
        width_(shape.width),
        channels_(channels) {}

  struct Row {
    const bf16* values;
    int64_t pixel;     // from one to the next
    int64_t channels;  // all bits, or none of them: outside
  };
  Row row(int64_t image, int64_t y) const {
    if (image >= images_ || y < 0 || y >= height_) return {kZeros, 0, 0};
    return {values_ + (image * height_ + y) * width_ * channels_, channels_, -1};
  }
  int64_t width() const { return width_; }

  template <class Lanes>
  CIFAR10_INLINE __m512 load(const Row& row, int64_t x, int64_t channel, Lanes lanes) {
    return load_bf16(row.values + x * row.pixel + (channel & row.channels), lanes);
  }

 private:
  const bf16* values_;
  int64_t images_, height_, width_, channels_;
};

// The gradient before max pooling: of each square only the winner has one.
class UnpooledInput {
 public:
  UnpooledInput(const PooledGradient& gradient, const Shape& shape, int64_t channels)
      : gradient_(gradient),
        images_(shape.images),
        height_(shape.height / 2),
        width_(shape.width / 2),
        channels_(channels) {}

  struct Row {
    const bf16* values;
    const uint8_t* winners;
    int64_t square;    // from one to the next
    int64_t channels;  // all bits, or none of them: outside
    char position;     // of the row's first pixel in its square
  };
  Row row(int64_t image, int64_t y) const {
    if (image >= images_ || y < 0 || y >= 2 * height_) return {kZeros, kNoWinners, 0, 0, 0};
    const int64_t offset = (image * height_ + y / 2) * width_ * channels_;
    return {gradient_.values + offset, gradient_.winners + offset, channels_, -1, char(y % 2 * 2)};
  }
  int64_t width() const { return 2 * width_; }

  template <class Lanes>
  CIFAR10_INLINE __m512 load(const Row& row, int64_t x, int64_t channel, Lanes lanes) {
    const int64_t at = (x >> 1) * row.square + (channel & row.channels);
    const auto position = _mm_set1_epi8(char(row.position + (x & 1)));
    const auto wins = _mm_cmpeq_epi8_mask(load_bytes(row.winners + at, lanes), position);
    const auto bits = _mm512_maskz_cvtepu16_epi32(wins, load_halves(row.values + at, lanes));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
  }

 private:
  PooledGradient gradient_;
  int64_t images_, height_, width_, channels_;
};

// The four values that a column of pixels comes to in a transform.
struct Column {
  __m512 rows[4];
};

// Pixels of an image that the tiles of one row share: kHeight rows from `y`.
template <class Input, int kHeight>
class Strip {
 public:
  Strip(const Input& input, int64_t image, int64_t y) : width_(input.width()) {
    for (int i = 0; i < kHeight; ++i) rows_[i] = input.row(image, y + i);
  }

  template <class Lanes>
  CIFAR10_METHOD void load(int64_t x, int64_t channel, Lanes lanes, __m512 (&pixels)[kHeight]) const {
    const bool is_inside = x >= 0 && x < width_;
#pragma GCC unroll 4
    for (int i = 0; i < kHeight; ++i)
      pixels[i] = is_inside ? Input::load(rows_[i], x, channel, lanes) : _mm512_setzero_ps();
  }

 private:
  typename Input::Row rows_[kHeight];
  int64_t width_;
};

// Bᵀ d B, with the names of the paper, for the tiles of one row from left to right: neighbours share two of
// their four columns.
template <class Input>
class InputTiles {
 public:
  static constexpr int64_t kBorder = 1;
  using Pixels = Strip<Input, 4>;

  template <class Lanes>
  CIFAR10_METHOD void begin(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes) {
    columns_[0] = column(pixels, x, channel, lanes);
    columns_[1] = column(pixels, x + 1, channel, lanes);
  }

  // The tile at x; v: its values row by row.
  template <class Lanes>
  CIFAR10_METHOD void next(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes,
                           __m512 (&v)[kProducts]) {
    const auto third = column(pixels, x + 2, channel, lanes), fourth = column(pixels, x + 3, channel, lanes);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      v[4 * i] = columns_[0].rows[i] - third.rows[i];
      v[4 * i + 1] = columns_[1].rows[i] + third.rows[i];
      v[4 * i + 2] = third.rows[i] - columns_[1].rows[i];
      v[4 * i + 3] = columns_[1].rows[i] - fourth.rows[i];
    }
    columns_[0] = third;
    columns_[1] = fourth;
  }

 private:
  template <class Lanes>
  CIFAR10_INLINE Column column(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes) {
    __m512 d[4];
    pixels.load(x, channel, lanes, d);
    return {d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]};
  }

  Column columns_[2];
};

// A g Aᵀ: the gradients of tiles' results, spread over their products.
template <class Input>
class GradientTiles {
 public:
  static constexpr int64_t kBorder = 0;
  using Pixels = Strip<Input, 2>;

  template <class Lanes>
  CIFAR10_METHOD void begin(const Pixels&, int64_t, int64_t, Lanes) {}

  template <class Lanes>
  CIFAR10_METHOD void next(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes,
                           __m512 (&v)[kProducts]) {
    const auto left = column(pixels, x, channel, lanes), right = column(pixels, x + 1, channel, lanes);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      v[4 * i] = left.rows[i];
      v[4 * i + 1] = left.rows[i] + right.rows[i];
      v[4 * i + 2] = left.rows[i] - right.rows[i];
      v[4 * i + 3] = -right.rows[i];
    }
  }

 private:
  template <class Lanes>
  CIFAR10_INLINE Column column(const Pixels& pixels, int64_t x, int64_t channel, Lanes lanes) {
    __m512 g[2];
    pixels.load(x, channel, lanes, g);
    return {g[0], g[0] + g[1], g[0] - g[1], -g[1]};
  }
};

// Aᵀ m A: the sixteen sums of products at `sums`, a plane apart, to the four results.
CIFAR10_INLINE void transform_output(const float* sums, int64_t plane, __m512 (&y)[2][2]) {
  __m512 rows[2][4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const auto m0 = _mm512_loadu_ps(sums + j * plane), m1 = _mm512_loadu_ps(sums + (4 + j) * plane);
    const auto m2 = _mm512_loadu_ps(sums + (8 + j) * plane), m3 = _mm512_loadu_ps(sums + (12 + j) * plane);
    rows[0][j] = m0 + m1 + m2;
    rows[1][j] = m1 - m2 - m3;
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    y[i][0] = rows[i][0] + rows[i][1] + rows[i][2];
    y[i][1] = rows[i][1] - rows[i][2] - rows[i][3];
  }
}

// G g Gᵀ of a 3x3 filter.
CIFAR10_INLINE void transform_filter(const __m512 (&g)[3][3], __m512 (&u)[4][4]) {
  const auto half = _mm512_set1_ps(0.5F);
  __m512 rows[4][3];
#pragma GCC unroll 3
  for (int j = 0; j < 3; ++j) {
    const auto ends = g[0][j] + g[2][j];
    rows[0][j] = g[0][j];
    rows[1][j] = half * (ends + g[1][j]);
    rows[2][j] = half * (ends - g[1][j]);
    rows[3][j] = g[2][j];
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const auto ends = rows[i][0] + rows[i][2];
    u[i][0] = rows[i][0];
    u[i][1] = half * (ends + rows[i][1]);
    u[i][2] = half * (ends - rows[i][1]);
    u[i][3] = rows[i][2];
  }
}

// Gᵀ u G: the way back, for the gradient of a filter.
CIFAR10_INLINE void transform_filter_gradient(const __m512 (&u)[4][4], __m512 (&g)[3][3]) {
  const auto half = _mm512_set1_ps(0.5F);
  __m512 rows[3][4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const auto sum = half * (u[1][j] + u[2][j]);
    rows[0][j] = u[0][j] + sum;
    rows[1][j] = half * (u[1][j] - u[2][j]);
    rows[2][j] = sum + u[3][j];
  }
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) {
    const auto sum = half * (rows[i][1] + rows[i][2]);
    g[i][0] = rows[i][0] + sum;
    g[i][1] = half * (rows[i][1] - rows[i][2]);
    g[i][2] = sum + rows[i][3];
  }
}

// A run of tiles' transformed input, all channels: a row for each tile in each of the sixteen matrices,
// `plane` elements apart.
template <class Input>
void write_rows(const Input& input, const Tile& first, int64_t count, int64_t channels, bf16* row,
                int64_t plane) {
  const Strip<Input, 4> pixels(input, first.image, 2 * first.row - 1);
  for_each_vector(channels, [&](int64_t channel, auto lanes) __attribute__((always_inline)) {
    InputTiles<Input> tiles;
    int64_t x = 2 * first.column - 1;
    tiles.begin(pixels, x, channel, lanes);
    bf16* to = row + channel;
    for (int64_t i = 0; i < count; ++i, x += 2, to += channels) {
      __m512 v[kProducts];
      tiles.next(pixels, x, channel, lanes, v);
#pragma GCC unroll 16
      for (int t = 0; t < kProducts; ++t) store_bf16(to + t * plane, lanes, v[t]);
    }
  });
}

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

// Where the four results of a tile go.
class PlainOutput {
 public:
  PlainOutput(bf16* values, const Shape& shape, int64_t channels)
      : values_(values), height_(shape.height), width_(shape.width), channels_(channels) {}

  template <class Lanes>
  void store(const Tile& tile, int64_t channel, Lanes lanes, const __m512 (&y)[2][2]) const {
    const int64_t rows = smaller(2, height_ - 2 * tile.row), columns = smaller(2, width_ - 2 * tile.column);
    bf16* const corner =
        values_ + ((tile.image * height_ + 2 * tile.row) * width_ + 2 * tile.column) * channels_ + channel;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) store_bf16(corner + (i * width_ + j) * channels_, lanes, y[i][j]);
  }

 private:
  bf16* values_;
  int64_t height_, width_, channels_;
};

class MaxPoolOutput {
 public:
  MaxPoolOutput(const PooledOutput& output, const Shape& shape)
      : output_(output), height_(shape.height / 2), width_(shape.width / 2), channels_(shape.out) {}

  // The first of equal values wins, and a NaN always, as in at::max_pool2d.
  template <class Lanes>
  void store(const Tile& tile, int64_t channel, Lanes lanes, const __m512 (&y)[2][2]) const {
    auto best = y[0][0];
    auto winner = _mm512_setzero_si512();
#pragma GCC unroll 3
    for (int position = 1; position < 4; ++position) {
      const auto value = y[position / 2][position % 2];
      const auto wins =
          _mm512_cmp_ps_mask(value, best, _CMP_GT_OQ) | _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
      best = _mm512_mask_mov_ps(best, wins, value);
      winner = _mm512_mask_mov_epi32(winner, wins, _mm512_set1_epi32(position));
    }
    const int64_t offset = ((tile.image * height_ + tile.row) * width_ + tile.column) * channels_ + channel;
    store_bf16(output_.values + offset, lanes, best);
    if (output_.winners != nullptr)
      store_bytes(output_.winners + offset, lanes, _mm512_cvtepi32_epi8(winner));
  }

 private:
  PooledOutput output_;
  int64_t height_, width_, channels_;
};

struct Left {  // [rows,2·pairs]: row r, pair p at values + r·row + p·pair
  const bf16* values;
  int64_t row;
  int64_t pair;
};
struct Right {  // [pairs,columns,2]
  const bf16* values;
  int64_t pair;
};
struct Product {  // [rows,columns]
  float* values;
  int64_t row;
};

// kRows x 16·kVectors results, in registers over the whole reduction.
template <int kRows, int kVectors, bool kAdds>
CIFAR10_INLINE void multiply(const Left& left, const Right& right, int64_t pairs, const Product& product) {
  __m512 sums[kRows][kVectors];
#pragma GCC unroll 32
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j)
      sums[i][j] =
          kAdds ? _mm512_loadu_ps(product.values + i * product.row + j * kLanes) : _mm512_setzero_ps();
  for (int64_t p = 0; p < pairs; ++p) {
    __m512bh columns[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j)
      columns[j] = (__m512bh)_mm512_loadu_si512(right.values + p * right.pair + j * 2 * kLanes);
#pragma GCC unroll 32
    for (int i = 0; i < kRows; ++i) {
      int32_t pair;
      __builtin_memcpy(&pair, left.values + i * left.row + p * left.pair, sizeof pair);
      const auto row = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sums[i][j] = _mm512_dpbf16_ps(sums[i][j], row, columns[j]);
    }
  }
#pragma GCC unroll 32
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j)
      _mm512_storeu_ps(product.values + i * product.row + j * kLanes, sums[i][j]);
}

// All sixteen products of a block of tiles with a panel of weights: v [16,kBlock,in] -> m [16,kBlock,kPanel].
template <int kVectors>
void multiply_panel(const bf16* v, const bf16* panel, int64_t in, int64_t count, float* m) {
  constexpr int kRows = kVectors == 4   ? 6
                        : kVectors == 3 ? 8
                        : kVectors == 2 ? 12
                                        : 24;  // 24 registers of sums
  static_assert(kBlock % kRows == 0);
  for (int64_t t = 0; t < kProducts; ++t)
    for (int64_t row = 0; row < count; row += kRows)
      multiply<kRows, kVectors, false>({v + (t * kBlock + row) * in, in, 2},
                                       {panel + t * in * kVectors * kLanes, 2 * kVectors * kLanes}, in / 2,
                                       {m + (t * kBlock + row) * kPanel, kPanel});
}

void multiply_panel(int64_t vectors, const bf16* v, const bf16* panel, int64_t in, int64_t count, float* m) {
  if (vectors == 4) return multiply_panel<4>(v, panel, in, count, m);
  if (vectors == 3) return multiply_panel<3>(v, panel, in, count, m);
  if (vectors == 2) return multiply_panel<2>(v, panel, in, count, m);
  multiply_panel<1>(v, panel, in, count, m);
}

int64_t vectors_at(int64_t column, int64_t columns) {
  return smaller(kPanel, round_up(columns - column, kLanes)) / kLanes;
}

// A run of tiles' results for a panel of channels, from their sums of products.
template <class Output>
void write_results(const Output& output, const Tile& first, int64_t count, const float* sums, int64_t column,
                   int64_t out) {
  for_each_vector(smaller(kPanel, out - column),
                  [&](int64_t channel, auto lanes) __attribute__((always_inline)) {
                    for (int64_t i = 0; i < count; ++i) {
                      __m512 y[2][2];
                      transform_output(sums + i * kPanel + channel, kBlock * kPanel, y);
                      output.store({first.image, first.row, first.column + i}, column + channel, lanes, y);
                    }
                  });
}

template <class Input, class Output>
void convolve_tiles(const Grid& grid, int64_t in, int64_t out, const Input& input, const bf16* packed,
                    const Output& output, void* scratch, int64_t begin, int64_t end) {
  float* const m = static_cast<float*>(scratch);
  bf16* const v = reinterpret_cast<bf16*>(m + kProducts * kBlock * kPanel);
  for (int64_t block = begin; block < end; block += kBlock) {
    const int64_t count = smaller(kBlock, end - block);
    grid.for_each_run(block, block + count, [&](int64_t i, const Tile& first, int64_t tiles) {
      write_rows(input, first, tiles, in, v + i * in, kBlock * in);
    });
    const bf16* panel = packed;
    for (int64_t column = 0; column < out; column += kPanel) {
      const int64_t vectors = vectors_at(column, out);
      multiply_panel(vectors, v, panel, in, count, m);
      grid.for_each_run(block, block + count, [&](int64_t i, const Tile& first, int64_t tiles) {
        write_results(output, first, tiles, m + i * kPanel, column, out);
      });
      panel += kProducts * in * vectors * kLanes;
    }
  }
}

// sums [16,in,out] += vᵀ g over the pairs of tiles.
template <int kVectors>
void add_products(const bf16* v, const bf16* g, int64_t in, int64_t out, int64_t column, int64_t pairs,
                  float* sums) {
  for (int64_t t = 0; t < kProducts; ++t) {
    const Right right{g + (t * kPairs * out + column) * 2, 2 * out};
    const auto left = [&](int64_t row) { return Left{v + (t * kPairs * in + row) * 2, 2, 2 * in}; };
    const auto product = [&](int64_t row) { return Product{sums + (t * in + row) * out + column, out}; };
    int64_t row = 0;
    for (; row + 6 <= in; row += 6) multiply<6, kVectors, true>(left(row), right, pairs, product(row));
    for (; row < in; row += 2) multiply<2, kVectors, true>(left(row), right, pairs, product(row));
  }
}

// For the pairs of tiles begin…end.
template <class Gradient>
void gather_pairs(const Grid& grid, int64_t in, int64_t out, const PlainInput& x, const Gradient& gradient,
                  float* sums, void* scratch, int64_t begin, int64_t end) {
  bf16* const v = static_cast<bf16*>(scratch);
  bf16* const g = v + kProducts * kPairs * in * 2;
  for (int64_t chunk = begin; chunk < end; chunk += kPairs) {
    const int64_t pairs = smaller(kPairs, end - chunk);
    grid.for_each_run(chunk, chunk + pairs, [&](int64_t i, const Tile& first, int64_t tiles) {
      write_pairs<InputTiles>(x, first, tiles, in, v + i * in * 2, kPairs * in * 2);
      write_pairs<GradientTiles>(gradient, first, tiles, out, g + i * out * 2, kPairs * out * 2);
    });
    for (int64_t column = 0; column < out; column += kPanel) {
      const int64_t vectors = vectors_at(column, out);
      if (vectors == 4) add_products<4>(v, g, in, out, column, pairs, sums);
      if (vectors == 3) add_products<3>(v, g, in, out, column, pairs, sums);
      if (vectors == 2) add_products<2>(v, g, in, out, column, pairs, sums);
      if (vectors == 1) add_products<1>(v, g, in, out, column, pairs, sums);
    }
  }
}

SomeLanes lanes_left(int64_t channels) {
  return channels >= kLanes ? SomeLanes(0xffff) : SomeLanes((1u << channels) - 1);
}

// The filters from output channel `out` to the input channels at `in`: nine vectors over input channels.
CIFAR10_INLINE void load_filters(const Shape& shape, const float* weight, int64_t out, int64_t in,
                                 bool rotated, __m512 (&g)[3][3]) {
  const auto lanes = lanes_left(shape.in - in);
#pragma GCC unroll 9
  for (int tap = 0; tap < 9; ++tap) {
    const int from = rotated ? 8 - tap : tap;
    g[tap / 3][tap % 3] = _mm512_maskz_loadu_ps(lanes, weight + (out * 9 + from) * shape.in + in);
  }
}

// Panels of up to 64 output channels, each [16,in/2,channels,2].
void pack_forward(const Shape& shape, const float* weight, bf16* packed, int64_t out) {
  const int64_t column = out / kPanel * kPanel;
  const int64_t columns = vectors_at(column, shape.out) * kLanes;
  auto* const panel = reinterpret_cast<int32_t*>(packed + column * kProducts * shape.in);
  const auto rows =
      _mm256_mullo_epi32(_mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0), _mm256_set1_epi32(int32_t(columns)));
  for (int64_t in = 0; in < shape.in; in += kLanes) {
    __m512 g[3][3], u[4][4];
    load_filters(shape, weight, out, in, /*rotated=*/false, g);
    transform_filter(g, u);
    const auto pairs = __mmask8(lanes_left((shape.in - in) / 2));
    for (int t = 0; t < kProducts; ++t)
      _mm256_mask_i32scatter_epi32(panel + (t * shape.in + in) / 2 * columns + out - column, pairs, rows,
                                   to_bf16(u[t / 4][t % 4]), 4);
  }
}

// Panels of up to 64 input channels, each [16,out/2,channels,2], of the filters turned by 180 degrees.
void pack_backward(const Shape& shape, const float* weight, bf16* packed, int64_t out) {
  for (int64_t in = 0; in < shape.in; in += kLanes) {
    const int64_t column = in / kPanel * kPanel;
    const int64_t columns = vectors_at(column, shape.in) * kLanes;
    bf16* const panel = packed + column * kProducts * shape.out;
    __m512 g[3][3], a[4][4], b[4][4];
    load_filters(shape, weight, out, in, /*rotated=*/true, g);
    transform_filter(g, a);
    load_filters(shape, weight, out + 1, in, /*rotated=*/true, g);
    transform_filter(g, b);
    for (int t = 0; t < kProducts; ++t)
      _mm512_storeu_si512(panel + ((t * shape.out + out) / 2 * columns + in - column) * 2,
                          interleave(a[t / 4][t % 4], b[t / 4][t % 4]));
  }
}

}  // namespace

int64_t tile_count(const Shape& shape) {
  const auto grid = grid_of(shape);
  return shape.images * grid.rows * grid.columns;
}

int64_t pooled_tile_count(const Shape& shape) {
  const auto grid = pooled_grid_of(shape);
  return shape.images * grid.rows * grid.columns;
}

int64_t pair_count(const Shape& shape) {
  const auto grid = grid_of(shape);
  return (shape.images + 1) / 2 * grid.rows * grid.columns;
}

int64_t pooled_pair_count(const Shape& shape) {
  const auto grid = pooled_grid_of(shape);
  return (shape.images + 1) / 2 * grid.rows * grid.columns;
}

int64_t packed_size(const Shape& shape, Direction direction) {
  const bool forward = direction == Direction::kForward;
  return kProducts * (forward ? shape.in : shape.out) * round_up(forward ? shape.out : shape.in, kLanes);
}

void pack_weights(const Shape& shape, Direction direction, const float* weight, bf16* packed, int64_t begin,
                  int64_t end) {
  for (int64_t out = begin; out < end; out += 2) {
    if (direction == Direction::kBackward) {
      pack_backward(shape, weight, packed, out);
    } else {
      pack_forward(shape, weight, packed, out);
      pack_forward(shape, weight, packed, out + 1);
    }
  }
}

int64_t convolve_scratch(const Shape& shape) {
  const int64_t channels = shape.in > shape.out ? shape.in : shape.out;
  return kProducts * kBlock * (kPanel * int64_t(sizeof(float)) + channels * int64_t(sizeof(bf16)));
}

int64_t gather_scratch(const Shape& shape) {
  return kProducts * kPairs * 2 * (shape.in + shape.out) * int64_t(sizeof(bf16));
}

void convolve(const Shape& shape, const bf16* x, const bf16* packed, bf16* y, void* scratch, int64_t begin,
              int64_t end) {
  convolve_tiles(grid_of(shape), shape.in, shape.out, PlainInput(x, shape, shape.in), packed,
                 PlainOutput(y, shape, shape.out), scratch, begin, end);
}

void convolve_and_pool(const Shape& shape, const bf16* x, const bf16* packed, const PooledOutput& y,
                       void* scratch, int64_t begin, int64_t end) {
  convolve_tiles(pooled_grid_of(shape), shape.in, shape.out, PlainInput(x, shape, shape.in), packed,
                 MaxPoolOutput(y, shape), scratch, begin, end);
}

void backward_data(const Shape& shape, const bf16* gradient, const bf16* packed, bf16* x_gradient,
                   void* scratch, int64_t begin, int64_t end) {
  convolve_tiles(grid_of(shape), shape.out, shape.in, PlainInput(gradient, shape, shape.out), packed,
                 PlainOutput(x_gradient, shape, shape.in), scratch, begin, end);
}

void backward_data(const Shape& shape, const PooledGradient& gradient, const bf16* packed, bf16* x_gradient,
                   void* scratch, int64_t begin, int64_t end) {
  convolve_tiles(grid_of(shape), shape.out, shape.in, UnpooledInput(gradient, shape, shape.out), packed,
                 PlainOutput(x_gradient, shape, shape.in), scratch, begin, end);
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
