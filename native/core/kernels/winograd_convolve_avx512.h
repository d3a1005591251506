// Owns convolution by tiles: transformed input, products with packed weights, and where the results of a tile
// go. For files compiled for AVX-512 only.
#pragma once

#include "kernels/products_avx512.h"
#include "kernels/winograd_transforms_avx512.h"

namespace cifar10::kernels::winograd {
namespace {  // each file that includes this has its own: no symbol is shared with code for other processors

// What becomes of a result before it is stored; `at` is where.
struct AsItIs {
  template <class Lanes>
  CIFAR10_METHOD __m512 operator()(__m512 result, int64_t, int64_t, Lanes) const {
    return result;
  }
};

// Where the results of a tile go.
template <class Value, class Finish>
class PlainOutput {
 public:
  PlainOutput(Value* values, const ConvShape& shape, int64_t channels, const Finish& finish)
      : values_(values), height_(shape.height), width_(shape.width), channels_(channels), finish_(finish) {}

  template <class Lanes, int kSide>
  CIFAR10_METHOD void store(const Tile& tile, int64_t channel, Lanes lanes,
                            const __m512 (&y)[kSide][kSide]) const {
    const int64_t row = kSide * tile.row, column = kSide * tile.column;
    const int64_t rows = smaller(kSide, height_ - row), columns = smaller(kSide, width_ - column);
    const int64_t corner = ((tile.image * height_ + row) * width_ + column) * channels_ + channel;
#pragma GCC unroll 4
    for (int i = 0; i < kSide; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < kSide; ++j) {
        if (i >= rows || j >= columns) continue;  // within unrolled loops, so that y stays in registers
        const int64_t at = corner + (i * width_ + j) * channels_;
        avx512::store(values_ + at, lanes, finish_(y[i][j], at, channel, lanes));
      }
  }

 private:
  Value* values_;
  int64_t height_, width_, channels_;
  Finish finish_;
};

template <class Value, class Finish>
class MaxPoolOutput {
 public:
  // `winners` may be null.
  MaxPoolOutput(Value* values, uint8_t* winners, const ConvShape& shape, const Finish& finish)
      : values_(values),
        winners_(winners),
        height_(shape.height / 2),
        width_(shape.width / 2),
        channels_(shape.out),
        finish_(finish) {}

  template <class Lanes, int kSide>
  CIFAR10_METHOD void store(const Tile& tile, int64_t channel, Lanes lanes,
                            const __m512 (&y)[kSide][kSide]) const {
    constexpr int kSquares = kSide / 2;
    const int64_t row = kSquares * tile.row, column = kSquares * tile.column;
    const int64_t rows = smaller(kSquares, height_ - row), columns = smaller(kSquares, width_ - column);
    const int64_t corner = ((tile.image * height_ + row) * width_ + column) * channels_ + channel;
#pragma GCC unroll 2
    for (int i = 0; i < kSquares; ++i)
#pragma GCC unroll 2
      for (int j = 0; j < kSquares; ++j) {
        if (i >= rows || j >= columns) continue;
        const __m512 square[4] = {y[2 * i][2 * j], y[2 * i][2 * j + 1], y[2 * i + 1][2 * j],
                                  y[2 * i + 1][2 * j + 1]};
        store_largest(corner + (i * width_ + j) * channels_, channel, lanes, square);
      }
  }

 private:
  // The first of equal values wins, and a NaN always, as in at::max_pool2d.
  template <class Lanes>
  CIFAR10_METHOD void store_largest(int64_t at, int64_t channel, Lanes lanes,
                                    const __m512 (&square)[4]) const {
    auto best = square[0];
    auto winner = _mm512_setzero_si512();
#pragma GCC unroll 3
    for (int position = 1; position < 4; ++position) {
      const auto value = square[position];
      const auto wins =
          _mm512_cmp_ps_mask(value, best, _CMP_GT_OQ) | _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
      best = _mm512_mask_mov_ps(best, wins, value);
      winner = _mm512_mask_mov_epi32(winner, wins, _mm512_set1_epi32(position));
    }
    avx512::store(values_ + at, lanes, finish_(best, at, channel, lanes));
    if (winners_ != nullptr) store_bytes(winners_ + at, lanes, _mm512_cvtepi32_epi8(winner));
  }

  Value* values_;
  uint8_t* winners_;
  int64_t height_, width_, channels_;
  Finish finish_;
};

// A run of tiles' transformed input, all channels: a row for each tile in each of the kProducts matrices,
// `plane` elements apart.
template <int kSide, class Value, class Input>
void write_rows(const Input& input, const Tile& first, int64_t count, int64_t channels, Value* row,
                int64_t plane) {
  using Tiles = InputTiles<kSide, Input>;
  const typename Tiles::Pixels pixels(input, first.image, kSide * first.row - Tiles::kBorder);
  for_each_vector(channels, [&](int64_t channel, auto lanes) __attribute__((always_inline)) {
    Tiles tiles;
    int64_t x = kSide * first.column - Tiles::kBorder;
    tiles.begin(pixels, x, channel, lanes);
    Value* to = row + channel;
    for (int64_t i = 0; i < count; ++i, x += kSide, to += channels) {
      tiles.next(pixels, x, channel, lanes);
      Value* value = to;
#pragma GCC unroll 6
      for (int r = 0; r < Tiles::kRows; ++r) {
        __m512 v[Tiles::kColumns];
        tiles.row(r, v);
#pragma GCC unroll 6
        for (int c = 0; c < Tiles::kColumns; ++c, value += plane) avx512::store(value, lanes, v[c]);
      }
    }
  });
}

// All products of a block of tiles with a panel of weights: v [kProducts,kBlock,in] ->
// m [kProducts,kBlock,kPanel].
template <int kSide, int kVectors, class Value>
void multiply_panel(const Value* v, const Value* panel, int64_t in, int64_t count, float* m) {
  constexpr int kRows = 24 / kVectors;  // 24 registers of sums
  constexpr int kFewRows = kRows / 3;  // what few images leave over; 8 sums are enough to keep two units busy
  constexpr int64_t kTiles = kBlock<kSide>, kColumns = kPanel<Value>;
  static_assert(kTiles % kRows == 0);
  for (int64_t t = 0; t < kProducts<kSide>; ++t) {
    const Right<Value> right{panel + t * in * kVectors * kLanes, kStep<Value> * kVectors * kLanes};
    const auto rows_from = [&](int64_t row, auto rows) __attribute__((always_inline)) {
      multiply<rows, kVectors, false>(Left<Value>{v + (t * kTiles + row) * in, in, kStep<Value>}, right,
                                      in / kStep<Value>, {m + (t * kTiles + row) * kColumns, kColumns});
    };
    int64_t row = 0;
    for (; count - row > kFewRows; row += kRows) rows_from(row, Constant<kRows>());
    if (row < count) rows_from(row, Constant<kFewRows>());
  }
}

template <int kSide, class Value>
void multiply_panel(int64_t vectors, const Value* v, const Value* panel, int64_t in, int64_t count,
                    float* m) {
  if constexpr (kPanel<Value> == 64) {
    if (vectors == 4) return multiply_panel<kSide, 4>(v, panel, in, count, m);
    if (vectors == 3) return multiply_panel<kSide, 3>(v, panel, in, count, m);
  }
  if (vectors == 2) return multiply_panel<kSide, 2>(v, panel, in, count, m);
  multiply_panel<kSide, 1>(v, panel, in, count, m);
}

// A run of tiles' results for a panel of channels, from their sums of products.
template <int kSide, class Value, class Output>
void write_results(const Output& output, const Tile& first, int64_t count, const float* sums, int64_t column,
                   int64_t out) {
  for_each_vector(smaller(kPanel<Value>, out - column),
                  [&](int64_t channel, auto lanes) __attribute__((always_inline)) {
                    for (int64_t i = 0; i < count; ++i) {
                      __m512 y[kSide][kSide];
                      transform_output(sums + i * kPanel<Value> + channel, kBlock<kSide> * kPanel<Value>, y);
                      output.store({first.image, first.row, first.column + i}, column + channel, lanes, y);
                    }
                  });
}

template <int kSide, class Value, class Input, class Output>
void convolve_tiles(const Grid& grid, int64_t in, int64_t out, const Input& input, const Value* packed,
                    const Output& output, void* scratch, const Part& part) {
  constexpr int64_t kTiles = kBlock<kSide>, kColumns = kPanel<Value>;
  float* const m = static_cast<float*>(scratch);
  Value* const v = reinterpret_cast<Value*>(m + kProducts<kSide> * kTiles * kColumns);
  const int64_t last_column = smaller(part.last_column, out);
  for (int64_t block = part.begin; block < part.end; block += kTiles) {
    const int64_t count = smaller(kTiles, part.end - block);
    grid.for_each_run(block, block + count, [&](int64_t i, const Tile& first, int64_t tiles) {
      write_rows<kSide>(input, first, tiles, in, v + i * in, kTiles * in);
    });
    for (int64_t column = part.first_column; column < last_column; column += kColumns) {
      multiply_panel<kSide>(vectors_at<Value>(column, out), v, packed + column * kProducts<kSide> * in, in,
                            count, m);
      grid.for_each_run(block, block + count, [&](int64_t i, const Tile& first, int64_t tiles) {
        write_results<kSide, Value>(output, first, tiles, m + i * kColumns, column, out);
      });
    }
  }
}

}  // namespace
}  // namespace cifar10::kernels::winograd
