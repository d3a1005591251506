#include "models/residual.h"

#include <stdexcept>

#include "torch_api.h"

namespace cifar10 {
namespace {

std::vector<int64_t> imagenet_blocks(int64_t depth) {
  if (depth == 18) return {2, 2, 2, 2};
  if (depth == 34 || depth == 50) return {3, 4, 6, 3};
  throw std::invalid_argument("depth must be 18, 34 or 50");
}

}  // namespace

std::vector<std::shared_ptr<ResidualBlock>> add_stages(torch::nn::Module& net, const StagesPlan& plan,
                                                       const MakeBlock& make_block) {
  std::vector<std::shared_ptr<ResidualBlock>> blocks;
  int64_t in = plan.stem;
  for (size_t s = 0; s < plan.widths.size(); ++s) {
    auto stage = net.register_module(plan.prefix + std::to_string(s + 1), Group());
    auto parent = plan.infix.empty() ? stage : stage->register_module(plan.infix, Group());
    const int64_t out = plan.widths[s] * plan.expansion;
    for (int64_t i = 0; i < plan.blocks[s]; ++i) {
      const int64_t stride = s > 0 && i == 0 ? 2 : 1;
      const auto block = make_block({.in = in, .width = plan.widths[s], .out = out, .stride = stride});
      blocks.push_back(parent->register_module(std::to_string(i), block));
      in = out;
    }
  }
  return blocks;
}

StagesPlan imagenet_stages(int64_t depth, int64_t width) {
  return {.stem = width,
          .widths = doubling_widths(width, 4),
          .blocks = imagenet_blocks(depth),
          .expansion = depth < 50 ? 1 : kBottleneckExpansion,
          .prefix = "layer",
          .infix = ""};
}

std::vector<int64_t> doubling_widths(int64_t first, size_t count) {
  std::vector<int64_t> widths;
  for (size_t i = 0; i < count; ++i) widths.push_back(first << i);
  return widths;
}

void initialize_convolutions(torch::nn::Module& net, at::Generator& generator) {
  for (const auto& parameter : net.parameters())
    if (parameter.dim() == 4) kaiming_normal_fan_out_(parameter, generator);
}

}  // namespace cifar10
