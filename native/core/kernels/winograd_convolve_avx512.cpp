// Compiled for AVX-512 with bfloat16, and only called where the processor has it. Nothing of the standard
// library but integer types is used here: a template instantiated in this file could be the one that the
// linker keeps for all.
#include "kernels/winograd_products_avx512.h"
#include "kernels/winograd_transforms_avx512.h"

namespace cifar10::kernels::winograd {

namespace {

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

}  // namespace

int64_t tile_count(const Shape& shape) {
  const auto grid = grid_of(shape);
  return shape.images * grid.rows * grid.columns;
}

int64_t pooled_tile_count(const Shape& shape) {
  const auto grid = pooled_grid_of(shape);
  return shape.images * grid.rows * grid.columns;
}

int64_t convolve_scratch(const Shape& shape) {
  const int64_t channels = shape.in > shape.out ? shape.in : shape.out;
  return kProducts * kBlock * (kPanel * int64_t(sizeof(float)) + channels * int64_t(sizeof(bf16)));
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

}  // namespace cifar10::kernels::winograd
