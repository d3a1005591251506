// Owns how kernels of 3x3 convolutions name their sizes and their shares of the work. Numbers only.
#pragma once

#include <cstdint>

namespace cifar10::kernels {

using bf16 = uint16_t;  // the bits of a bfloat16

// Of the input; activations are channels-last [images,height,width,channels].
struct ConvShape {
  int64_t images;
  int64_t height;
  int64_t width;
  int64_t in;
  int64_t out;
};

// Results are computed in panels of channels: the weights that a product needs for one stay in the
// first-level cache of 32 KiB, up to 256 channels.
template <class Value>
inline constexpr int64_t kPanel = 128 / sizeof(Value);

// The tiles or pairs begin…end and, of their results, the channels first_column…last_column, the former a
// multiple of kPanel, the latter too or beyond the end.
struct Part {
  int64_t begin;
  int64_t end;
  int64_t first_column = 0;
  int64_t last_column = INT64_MAX;
};

// The weights' gradient is finished in squares of input and output channels.
inline constexpr int64_t kSquare = 16;

}  // namespace cifar10::kernels
