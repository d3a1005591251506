// Owns how threads share the sums over pairs of images that make the gradient of the weights.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>

#include "kernels/conv_shape.h"
#include "kernels/share.h"
#include "kernels/tensor_memory.h"
#include "torch_api.h"

namespace cifar10::kernels {

struct PairSums {
  int64_t pairs;
  int64_t planes;  // sums for each pair of channels
  int64_t scratch_bytes;
};

// Parts of the pairs, each with sums of its own, times parts of the output channels.
struct PairParts {
  int64_t pairs;
  int64_t columns;
};

inline int64_t panel_count(const ConvShape& shape) { return (shape.out + kPanel<bf16> - 1) / kPanel<bf16>; }

inline PairParts pair_parts(const ConvShape& shape, int64_t pairs) {
  constexpr int64_t kPairsOfPart = 64;  // fewer are not worth sums of their own
  // Sums for each pair of channels then cost more than every thread's transforming all inputs.
  constexpr int64_t kFewPairs = 4;  // for an output channel
  const int64_t threads = at::get_num_threads();
  const int64_t columns = pairs <= kFewPairs * shape.out ? std::min(panel_count(shape), threads) : 1;
  return {std::clamp<int64_t>(pairs / kPairsOfPart, 1, threads / columns), columns};
}

// gather(sums, scratch, part), finish(sums, parts, gradient, begin, end): as in winograd.h. Parts are fixed,
// so that the result, float32 [out,in,3,3], depends on the number of threads only, not on their order.
template <class Gather, class Finish>
at::Tensor share_pair_sums(const ConvShape& shape, const PairSums& of, const Gather& gather,
                           const Finish& finish) {
  const auto parts = pair_parts(shape, of.pairs);
  const int64_t panels = panel_count(shape);
  const auto sums = at::empty({parts.pairs, of.planes, shape.in, shape.out}, at::kFloat);
  at::parallel_for(0, parts.pairs * parts.columns, 1, [&](int64_t begin, int64_t end) {
    const auto scratch = at::empty({of.scratch_bytes}, at::kByte);
    for (int64_t index = begin; index < end; ++index) {
      const int64_t i = index / parts.columns, j = index % parts.columns;
      gather(
          write<float>(sums.select(0, i)), scratch.data_ptr(),
          Part{of.pairs * i / parts.pairs, of.pairs * (i + 1) / parts.pairs,
               panels * j / parts.columns * kPanel<bf16>, panels * (j + 1) / parts.columns * kPanel<bf16>});
    }
  });
  const auto gradient =
      at::empty({shape.out, shape.in, 3, 3}, at::TensorOptions(at::kFloat).memory_format(kChannelsLast));
  share(shape.in, kSquare, [&] {
    return [&](int64_t begin, int64_t end) {
      finish(read<float>(sums), parts.pairs, write<float>(gradient), begin, end);
    };
  });
  return gradient;
}

}  // namespace cifar10::kernels
