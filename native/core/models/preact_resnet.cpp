#include "models/preact_resnet.h"

#include "data/dataset.h"
#include "torch_api.h"

namespace cifar10 {
namespace {

// The 1x1 convolution of the shortcut under a key that may have one dot; empty where the shape stays.
Conv add_shortcut(torch::nn::Module& block, const BlockShape& shape, const std::string& key,
                  at::Generator& generator) {
  if (!shape.changes()) return nullptr;
  const auto conv = conv1x1(shape.in, shape.out, shape.stride, generator);
  const auto dot = key.find('.');
  if (dot == std::string::npos) return block.register_module(key, conv);
  return block.register_module(key.substr(0, dot), Group())->register_module(key.substr(dot + 1), conv);
}

}  // namespace

PreActBlock::PreActBlock(const BlockShape& shape, const PreActPlan& plan, at::Generator& generator) {
  norm_ = register_module("bn1", BatchNorm(shape.in, plan.batch_norm, generator));
  first_ = add_conv_norm(*this, "conv1", conv3x3(shape.in, shape.width, shape.stride, generator), "bn2",
                         BatchNorm(shape.width, plan.batch_norm, generator));
  dropout_ = register_module("dropout", Dropout(plan.dropout));
  last_ = register_module("conv2", conv3x3(shape.width, shape.out, 1, generator));
  shortcut_ = add_shortcut(*this, shape, plan.shortcut_key, generator);
}

at::Tensor PreActBlock::forward(const at::Tensor& x) {
  const auto active = norm_->forward(x, Activation::kRelu);
  const auto middle = first_.forward(active, Activation::kRelu);
  return last_->forward(dropout_->forward(middle)) + (shortcut_ ? shortcut_->forward(active) : x);
}

PreActBottleneck::PreActBottleneck(const BlockShape& shape, const PreActPlan& plan,
                                   at::Generator& generator) {
  norm_ = register_module("bn1", BatchNorm(shape.in, plan.batch_norm, generator));
  first_ = add_conv_norm(*this, "conv1", conv1x1(shape.in, shape.width, 1, generator), "bn2",
                         BatchNorm(shape.width, plan.batch_norm, generator));
  second_ = add_conv_norm(*this, "conv2", conv3x3(shape.width, shape.width, shape.stride, generator), "bn3",
                          BatchNorm(shape.width, plan.batch_norm, generator));
  last_ = register_module("conv3", conv1x1(shape.width, shape.out, 1, generator));
  shortcut_ = add_shortcut(*this, shape, plan.shortcut_key, generator);
}

at::Tensor PreActBottleneck::forward(const at::Tensor& x) {
  const auto active = norm_->forward(x, Activation::kRelu);
  const auto narrow = first_.forward(active, Activation::kRelu);
  const auto middle = second_.forward(narrow, Activation::kRelu);
  return last_->forward(middle) + (shortcut_ ? shortcut_->forward(active) : x);
}

PreActNet::PreActNet(const PreActPlan& plan, at::Generator& generator) {
  conv1_ = register_module("conv1", conv3x3(3, plan.stages.stem, 1, generator));
  const MakeBlock make_block = [&](const BlockShape& shape) -> std::shared_ptr<ResidualBlock> {
    if (plan.stages.has_bottlenecks()) return std::make_shared<PreActBottleneck>(shape, plan, generator);
    return std::make_shared<PreActBlock>(shape, plan, generator);
  };
  blocks_ = add_stages(*this, plan.stages, make_block);
  norm_ = register_module(plan.norm_name, BatchNorm(plan.stages.features(), plan.batch_norm, generator));
  head_ =
      register_module(plan.head_name, Linear(plan.stages.features(), kClasses, /*has_bias=*/true, generator));
  initialize_convolutions(*this, generator);
}

at::Tensor PreActNet::forward(const at::Tensor& images) {
  auto x = conv1_->forward(images);  // [B,stem,32,32]
  for (auto& block : blocks_) x = block->forward(x);
  x = norm_->forward(x, Activation::kRelu);
  return head_->forward(x.mean({2, 3})).to(torch::kFloat32);
}

PreActResNet::PreActResNet(const PreActResNetOptions& options, at::Generator& generator)
    : PreActNet({.stages = imagenet_stages(options.depth, options.width),
                 .shortcut_key = "shortcut.0",
                 .dropout = 0,
                 .norm_name = "bn",
                 .head_name = "linear",
                 .batch_norm = options.batch_norm},
                generator) {}

}  // namespace cifar10
