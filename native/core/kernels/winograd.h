// Owns 3x3 convolutions of stride 1 and padding 1, on bfloat16 activations and in inference on float32 ones
// too, by Winograd's minimal filtering (Lavin & Gray 2015, arXiv 1509.09308): a tile of 2x2 results costs 16
// multiplications a pair of channels in place of 36, one of 4x4 results 36 in place of 144. Pointers only,
// for the processors of winograd_*_avx512.cpp; conv3x3.h is what a model calls.
//
// `kSide` is that of a tile, 2 or 4. Larger ones round more: in bfloat16 4x4 results are off by 1 % of their
// root mean square, 2x2 by 0.4 %.
//
// Activations are channels-last [images,height,width,channels], weights float32 [out,3,3,in], as a
// channels-last Conv2d has them. `in` is a multiple of 8 and `out` of 16. Functions that take a range work on
// that part alone, so that threads share the rest; they neither allocate nor throw. An infinite input makes
// what is not a number of its tile's other results, too.
#pragma once

#include <cstdint>

#include "kernels/activation.h"
#include "kernels/conv_shape.h"

namespace cifar10::kernels::winograd {

// Each 2x2 square of results after max pooling with stride 2; an odd last row or column has no square.
// `winners` tells which of the four pixels it was, row by row: uint8 of the same shape.
struct PooledOutput {
  bf16* values;      // [images,height/2,width/2,out]
  uint8_t* winners;  // may be null
};
struct PooledGradient {
  const bf16* values;
  const uint8_t* winners;
};

// What a tile costs a pair of channels.
template <int kSide>
inline constexpr int64_t kProducts = (kSide + 2) * (kSide + 2);

// Tiles are counted row by row over all images, best in multiples of kBlock: what so many need stays in a
// core's second-level cache of 1 MiB, up to 384 channels.
template <int kSide>
inline constexpr int64_t kBlock = kSide == 2 ? 48 : 24;
template <int kSide>
int64_t tile_count(const ConvShape& shape);
template <int kSide>
int64_t pooled_tile_count(const ConvShape& shape);
// The weights' gradient is summed over the same tiles of two images at once; an odd image has none beside it.
template <int kSide>
int64_t pair_count(const ConvShape& shape);
template <int kSide>
int64_t pooled_pair_count(const ConvShape& shape);

// Weights as the multiplications want them, in float32 until they are rounded once.
enum class Direction { kForward, kBackward };
template <int kSide>
int64_t packed_size(const ConvShape& shape, Direction direction);  // elements
// `begin` and `end`: even output channels.
template <int kSide>
void pack_weights(const ConvShape& shape, Direction direction, const float* weight, bf16* packed,
                  int64_t begin, int64_t end);
// Forward, for float32 activations; as many elements.
template <int kSide>
void pack_weights(const ConvShape& shape, const float* weight, float* packed, int64_t begin, int64_t end);

// Bytes of a thread's working memory, aligned to 64: in everything that convolves, and in
// gather_weight_gradient. `Value`: of activations, bf16 or float.
template <int kSide, class Value>
int64_t convolve_scratch(const ConvShape& shape);
template <int kSide>
int64_t gather_scratch(const ConvShape& shape);

// y = x * weight for the tiles begin…end of tile_count.
template <int kSide>
void convolve(const ConvShape& shape, const bf16* x, const bf16* packed, bf16* y, void* scratch,
              int64_t begin, int64_t end);
// The same, pooled, for the tiles begin…end of pooled_tile_count.
template <int kSide>
void convolve_and_pool(const ConvShape& shape, const bf16* x, const bf16* packed, const PooledOutput& y,
                       void* scratch, int64_t begin, int64_t end);

// A layer in evaluation mode: y = activation(x * weight · scale + offset + residual), pooled before the scale
// or not.
template <class Value>
struct Folded {
  const Value* packed;
  const float* scale;     // [out]
  const float* offset;    // [out]
  const Value* residual;  // like y; may be null
  Activation activation;
};
template <int kSide, class Value>
void infer(const ConvShape& shape, const Value* x, const Folded<Value>& layer, Value* y, bool pools,
           void* scratch, const Part& part);

// Gradient of x for the tiles begin…end of tile_count, and what is at `addend`, like x, added before it is
// rounded; null for nothing. `packed`: of Direction::kBackward.
template <int kSide>
void backward_data(const ConvShape& shape, const bf16* gradient, const bf16* packed, const bf16* addend,
                   bf16* x_gradient, void* scratch, int64_t begin, int64_t end);
template <int kSide>
void backward_data(const ConvShape& shape, const PooledGradient& gradient, const bf16* packed,
                   bf16* x_gradient, void* scratch, int64_t begin, int64_t end);

// Writes to the part's channels of `sums`, float32 [kProducts,in,out], what its pairs, one at least of
// pair_count or pooled_pair_count, contribute to the gradient of the weights.
template <int kSide>
void gather_weight_gradient(const ConvShape& shape, const bf16* x, const bf16* gradient, float* sums,
                            void* scratch, const Part& part);
template <int kSide>
void gather_weight_gradient(const ConvShape& shape, const bf16* x, const PooledGradient& gradient,
                            float* sums, void* scratch, const Part& part);
// Adds `parts` of such sums, one after the other in memory, and turns them into the gradient, float32
// [out,3,3,in], of the input channels begin…end: multiples of kSquare, the latter or the last channel.
template <int kSide>
void finish_weight_gradient(const ConvShape& shape, const float* sums, int64_t parts, float* weight_gradient,
                            int64_t begin, int64_t end);

}  // namespace cifar10::kernels::winograd
