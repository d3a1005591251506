// Owns where tiles lie and what pixels they see. For files compiled for AVX-512 only.
#pragma once

#include "kernels/lanes_avx512.h"
#include "kernels/winograd.h"

namespace cifar10::kernels::winograd {
namespace {  // each file that includes this has its own: no symbol is shared with code for other processors

using namespace avx512;

constexpr int64_t kProducts = 16;  // values of a transformed tile: 4x4

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t round_up(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

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

inline Grid grid_of(const Shape& shape) { return {(shape.height + 1) / 2, (shape.width + 1) / 2}; }
inline Grid pooled_grid_of(const Shape& shape) { return {shape.height / 2, shape.width / 2}; }

// What pixels outside the image hold, whatever the channel: zero, and no winner.
template <class Value>
alignas(64) constexpr Value kZeros[kLanes] = {};
alignas(64) constexpr uint8_t kNoWinners[kLanes] = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};

// Where a tile's values come from: rows of pixels, which are zero outside the image.
template <class Value>
class PlainInput {
 public:
  PlainInput(const Value* values, const Shape& shape, int64_t channels)
      : values_(values),
        images_(shape.images),
        height_(shape.height),
        width_(shape.width),
        channels_(channels) {}

  struct Row {
    const Value* values;
    int64_t pixel;     // from one to the next
    int64_t channels;  // all bits, or none of them: outside
  };
  Row row(int64_t image, int64_t y) const {
    if (image >= images_ || y < 0 || y >= height_) return {kZeros<Value>, 0, 0};
    return {values_ + (image * height_ + y) * width_ * channels_, channels_, -1};
  }
  int64_t width() const { return width_; }

  template <class Lanes>
  static CIFAR10_METHOD __m512 load(const Row& row, int64_t x, int64_t channel, Lanes lanes) {
    return avx512::load(row.values + x * row.pixel + (channel & row.channels), lanes);
  }

 private:
  const Value* values_;
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
    if (image >= images_ || y < 0 || y >= 2 * height_) return {kZeros<bf16>, kNoWinners, 0, 0, 0};
    const int64_t offset = (image * height_ + y / 2) * width_ * channels_;
    return {gradient_.values + offset, gradient_.winners + offset, channels_, -1, char(y % 2 * 2)};
  }
  int64_t width() const { return 2 * width_; }

  template <class Lanes>
  static CIFAR10_METHOD __m512 load(const Row& row, int64_t x, int64_t channel, Lanes lanes) {
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

}  // namespace
}  // namespace cifar10::kernels::winograd
