// Owns what the residual nets share: what a block is, how stages are made of blocks. Must not know how a
// block computes: resnet.h has the blocks of He et al. 2015, preact_resnet.h those of 2016.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/blocks.h"

namespace cifar10 {

class ResidualBlock : public torch::nn::Module {
 public:
  virtual at::Tensor forward(const at::Tensor& x) = 0;  // [B,in,S,S] -> [B,out,S/stride,S/stride]
};

struct BlockShape {
  int64_t in;      // channels
  int64_t width;   // channels inside the block
  int64_t out;     // channels: `width`, or 4 times that of a bottleneck
  int64_t stride;  // 2: halves the side

  // Whether the shortcut needs a convolution ("option B" of He et al. 2015); else it is the identity.
  bool changes() const { return stride != 1 || in != out; }
};

using MakeBlock = std::function<std::shared_ptr<ResidualBlock>(const BlockShape& shape)>;

struct StagesPlan {
  int64_t stem;                 // channels before the first stage
  std::vector<int64_t> widths;  // one per stage; every stage but the first halves the side
  std::vector<int64_t> blocks;  // one per stage
  int64_t expansion;            // a block's output channels over its width
  std::string prefix;           // of the stages' keys: "layer" gives layer1.0, layer1.1 …
  std::string infix;            // between stage and block; empty: nothing ("layer" gives block1.layer.0)

  int64_t features() const { return widths.back() * expansion; }  // channels after the last stage
  bool has_bottlenecks() const { return expansion > 1; }
};

// Registers the stages' blocks in `net` and returns them in the order in which they run.
std::vector<std::shared_ptr<ResidualBlock>> add_stages(torch::nn::Module& net, const StagesPlan& plan,
                                                       const MakeBlock& make_block);

constexpr int64_t kBottleneckExpansion = 4;

// The stages of table 1 of He et al. 2015, depth 18, 34 or 50 (bottlenecks), keys `layer1` to `layer4`;
// `width` is that of the first stage (64 in the paper), each of the others is twice as wide as the one
// before.
StagesPlan imagenet_stages(int64_t depth, int64_t width);

// The channels of `count` stages, each twice as wide as the one before.
std::vector<int64_t> doubling_widths(int64_t first, size_t count);

// He initialization of all convolutions registered in `net`.
void initialize_convolutions(torch::nn::Module& net, at::Generator& generator);

}  // namespace cifar10
