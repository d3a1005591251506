// Owns how Winograd's tiles lie, and what they see of a gradient before max pooling. For files compiled for
// AVX-512 only.
#pragma once

#include "kernels/pixels_avx512.h"
#include "kernels/winograd.h"

namespace cifar10::kernels::winograd {
namespace {  // each file that includes this has its own: no symbol is shared with code for other processors

template <int kSide>
Grid grid_of(const ConvShape& shape) {
  return {(shape.height + kSide - 1) / kSide, (shape.width + kSide - 1) / kSide};
}
template <int kSide>
Grid pooled_grid_of(const ConvShape& shape) {
  constexpr int64_t kSquares = kSide / 2;
  return {(shape.height / 2 + kSquares - 1) / kSquares, (shape.width / 2 + kSquares - 1) / kSquares};
}

// No pixel's winner: of squares outside the image.
alignas(64) constexpr uint8_t kNoWinners[kLanes] = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};

// The gradient before max pooling: of each square only the winner has one.
class UnpooledInput {
 public:
  UnpooledInput(const PooledGradient& gradient, const ConvShape& shape, int64_t channels)
      : gradient_(gradient),
        images_(shape.images),
        height_(shape.height / 2),
        width_(shape.width / 2),
        channels_(channels) {}

  struct Row {
    const bf16* values;
    const uint8_t* winners;
    int64_t inside;  // all bits, or none of them
    char position;   // of the row's first pixel in its square
  };
  Row row(int64_t image, int64_t y) const {
    if (image >= images_ || y < 0 || y >= 2 * height_) return {kZeros<bf16>, kNoWinners, 0, 0};
    const int64_t offset = (image * height_ + y / 2) * width_ * channels_;
    return {gradient_.values + offset, gradient_.winners + offset, -1, char(y % 2 * 2)};
  }
  int64_t width() const { return 2 * width_; }
  int64_t channels() const { return channels_; }

  static CIFAR10_METHOD int64_t offset(int64_t x, int64_t channels) { return (x >> 1) * channels; }

  template <class Lanes>
  static CIFAR10_METHOD __m512 load(const Row& row, int64_t offset, int64_t x, Lanes lanes) {
    const int64_t at = offset & row.inside;
    const auto position = _mm_set1_epi8(char(row.position + (x & 1)));
    const auto wins = _mm_cmpeq_epi8_mask(load_bytes(row.winners + at, lanes), position);
    const auto bits = _mm512_maskz_cvtepu16_epi32(wins, load_halves(row.values + at, lanes));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
  }
  static CIFAR10_METHOD void prefetch(const Row& row, int64_t offset) {
    __builtin_prefetch(row.values + (offset & row.inside));
    __builtin_prefetch(row.winners + (offset & row.inside));
  }

 private:
  PooledGradient gradient_;
  int64_t images_, height_, width_, channels_;
};

}  // namespace
}  // namespace cifar10::kernels::winograd
