#include "models/resnet.h"

#include "torch_api.h"

#include <stdexcept>

#include "data/dataset.h"

namespace cifar10 {
namespace {

std::vector<int64_t> basic_blocks_of_depth(int64_t depth) {
  if (depth == 18) return {2, 2, 2, 2};
  if (depth == 34) return {3, 4, 6, 3};
  throw std::invalid_argument("ResNet depth must be 18 or 34");
}

}  // namespace

BasicBlockImpl::BasicBlockImpl(int64_t in, int64_t out, int64_t stride, const std::string& shortcut_name,
                               const BatchNormOptions& batch_norm, at::Generator& generator) {
  conv1_ = register_module("conv1", conv3x3(in, out, stride, generator));
  bn1_ = register_module("bn1", BatchNorm(out, batch_norm));
  conv2_ = register_module("conv2", conv3x3(out, out, 1, generator));
  bn2_ = register_module("bn2", BatchNorm(out, batch_norm));
  if (stride == 1 && in == out) return;
  auto group = register_module(shortcut_name, Group());
  shortcut_conv_ = group->register_module("0", Conv(in, out, 1, stride, 0, /*has_bias=*/false, generator));
  shortcut_bn_ = group->register_module("1", BatchNorm(out, batch_norm));
}

at::Tensor BasicBlockImpl::shortcut(const at::Tensor& x) {
  return shortcut_conv_.is_empty() ? x : shortcut_bn_->forward(shortcut_conv_->forward(x));
}

at::Tensor BasicBlockImpl::forward(const at::Tensor& x) {
  const auto middle = at::relu(bn1_->forward(conv1_->forward(x)));
  return at::relu(bn2_->forward(conv2_->forward(middle)) + shortcut(x));
}

ResidualNet::ResidualNet(const Plan& plan, at::Generator& generator) {
  int64_t in = plan.widths.front();
  conv1_ = register_module("conv1", conv3x3(3, in, 1, generator));
  bn1_ = register_module("bn1", BatchNorm(in, plan.batch_norm));
  for (size_t s = 0; s < plan.widths.size(); ++s) {
    auto layer = register_module("layer" + std::to_string(s + 1), Group());
    for (int64_t i = 0; i < plan.blocks[s]; ++i) {
      const int64_t stride = s > 0 && i == 0 ? 2 : 1;
      blocks_.push_back(layer->register_module(
          std::to_string(i),
          BasicBlock(in, plan.widths[s], stride, plan.shortcut_name, plan.batch_norm, generator)));
      in = plan.widths[s];
    }
  }
  head_ = register_module(plan.head_name, Linear(in, kClasses, /*has_bias=*/true, generator));
  for (const auto& parameter : parameters())
    if (parameter.dim() == 4) kaiming_normal_fan_out_(parameter, generator);
}

at::Tensor ResidualNet::forward(const at::Tensor& images) {
  auto x = at::relu(bn1_->forward(conv1_->forward(images)));  // [B,w0,32,32]
  for (auto& block : blocks_) x = block->forward(x);
  return head_->forward(x.mean({2, 3})).to(torch::kFloat32);
}

CifarResNet::CifarResNet(const CifarResNetOptions& options, at::Generator& generator)
    : ResidualNet({.widths = {16, 32, 64},
                   .blocks = std::vector<int64_t>(3, (options.depth - 2) / 6),
                   .shortcut_name = "downsample",
                   .head_name = "fc",
                   .batch_norm = options.batch_norm},
                  generator) {}

ResNet::ResNet(const ResNetOptions& options, at::Generator& generator)
    : ResidualNet({.widths = {64, 128, 256, 512},
                   .blocks = basic_blocks_of_depth(options.depth),
                   .shortcut_name = "shortcut",
                   .head_name = "linear",
                   .batch_norm = options.batch_norm},
                  generator) {}

}  // namespace cifar10
