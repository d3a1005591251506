// Owns what pixels a run of tiles sees. For files compiled for AVX-512 only.
#pragma once

#include "kernels/conv_shape.h"
#include "kernels/lanes_avx512.h"

namespace cifar10::kernels {
namespace {  // each file that includes this has its own: no symbol is shared with code for other processors

using namespace avx512;

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

// What pixels outside the image hold, whatever the channel.
template <class Value>
alignas(64) constexpr Value kZeros[kLanes] = {};

// Where a tile's values come from: rows of pixels, which are zero outside the image.
template <class Value>
class PlainInput {
 public:
  PlainInput(const Value* values, const ConvShape& shape, int64_t channels)
      : values_(values),
        images_(shape.images),
        height_(shape.height),
        width_(shape.width),
        channels_(channels) {}

  struct Row {
    const Value* values;
    int64_t inside;  // all bits, or none of them: `values` are zeros then
  };
  Row row(int64_t image, int64_t y) const {
    if (image >= images_ || y < 0 || y >= height_) return {kZeros<Value>, 0};
    return {values_ + (image * height_ + y) * width_ * channels_, -1};
  }
  int64_t width() const { return width_; }
  int64_t channels() const { return channels_; }

  // Of pixel x in its row.
  static CIFAR10_METHOD int64_t offset(int64_t x, int64_t channels) { return x * channels; }

  // `offset`: of a pixel and a channel.
  template <class Lanes>
  static CIFAR10_METHOD __m512 load(const Row& row, int64_t offset, int64_t, Lanes lanes) {
    return avx512::load(row.values + (offset & row.inside), lanes);
  }
  static CIFAR10_METHOD void prefetch(const Row& row, int64_t offset) {
    __builtin_prefetch(row.values + (offset & row.inside));
  }

 private:
  const Value* values_;
  int64_t images_, height_, width_, channels_;
};

// Pixels of an image that the tiles of one row share: kHeight rows from `y`.
template <class Input, int kHeight>
class Strip {
 public:
  Strip(const Input& input, int64_t image, int64_t y) : width_(input.width()), channels_(input.channels()) {
    for (int i = 0; i < kHeight; ++i) rows_[i] = input.row(image, y + i);
  }

  template <class Lanes>
  CIFAR10_METHOD void load(int64_t x, int64_t channel, Lanes lanes, __m512 (&pixels)[kHeight]) const {
    const bool is_inside = x >= 0 && x < width_;
    const int64_t offset = Input::offset(x, channels_) + channel;  // once for all rows
#pragma GCC unroll 6
    for (int i = 0; i < kHeight; ++i)
      pixels[i] = is_inside ? Input::load(rows_[i], offset, x, lanes) : _mm512_setzero_ps();
  }

  // For a load to come: the rows' ends are too near for the processor to foresee it.
  CIFAR10_METHOD void prefetch(int64_t x, int64_t channel) const {
    const int64_t offset = Input::offset(x, channels_) + channel;
#pragma GCC unroll 6
    for (int i = 0; i < kHeight; ++i) Input::prefetch(rows_[i], offset);
  }

 private:
  typename Input::Row rows_[kHeight];
  int64_t width_, channels_;
};

}  // namespace
}  // namespace cifar10::kernels
