#include "models/resnet.h"

#include "data/dataset.h"
#include "torch_api.h"

namespace cifar10 {

ProjectionImpl::ProjectionImpl(const BlockShape& shape, const BatchNormOptions& batch_norm,
                               at::Generator& generator) {
  layer_ = add_conv_norm(*this, "0", conv1x1(shape.in, shape.out, shape.stride, generator), "1",
                         BatchNorm(shape.out, batch_norm, generator));
}

at::Tensor ProjectionImpl::forward(const at::Tensor& x) { return layer_.forward(x); }

BasicBlock::BasicBlock(const BlockShape& shape, const std::string& shortcut_name,
                       const BatchNormOptions& batch_norm, at::Generator& generator) {
  first_ = add_conv_norm(*this, "conv1", conv3x3(shape.in, shape.width, shape.stride, generator), "bn1",
                         BatchNorm(shape.width, batch_norm, generator));
  second_ = add_conv_norm(*this, "conv2", conv3x3(shape.width, shape.out, 1, generator), "bn2",
                          BatchNorm(shape.out, batch_norm, generator));
  if (shape.changes()) shortcut_ = register_module(shortcut_name, Projection(shape, batch_norm, generator));
}

at::Tensor BasicBlock::forward(const at::Tensor& x) {
  const auto [middle, shortcut] = first_.forward_with_shortcut(x, Activation::kRelu);
  return second_.forward(middle, Activation::kRelu, shortcut_ ? shortcut_->forward(shortcut) : shortcut);
}

Bottleneck::Bottleneck(const BlockShape& shape, const std::string& shortcut_name,
                       const BatchNormOptions& batch_norm, at::Generator& generator) {
  first_ = add_conv_norm(*this, "conv1", conv1x1(shape.in, shape.width, 1, generator), "bn1",
                         BatchNorm(shape.width, batch_norm, generator));
  second_ = add_conv_norm(*this, "conv2", conv3x3(shape.width, shape.width, shape.stride, generator), "bn2",
                          BatchNorm(shape.width, batch_norm, generator));
  third_ = add_conv_norm(*this, "conv3", conv1x1(shape.width, shape.out, 1, generator), "bn3",
                         BatchNorm(shape.out, batch_norm, generator));
  if (shape.changes()) shortcut_ = register_module(shortcut_name, Projection(shape, batch_norm, generator));
}

at::Tensor Bottleneck::forward(const at::Tensor& x) {
  const auto narrow = first_.forward(x, Activation::kRelu);
  const auto middle = second_.forward(narrow, Activation::kRelu);
  return third_.forward(middle, Activation::kRelu, shortcut_ ? shortcut_->forward(x) : x);
}

ResidualNet::ResidualNet(const Plan& plan, at::Generator& generator) {
  stem_ = add_conv_norm(*this, "conv1", conv3x3(3, plan.stages.stem, 1, generator), "bn1",
                        BatchNorm(plan.stages.stem, plan.batch_norm, generator));
  const MakeBlock make_block = [&](const BlockShape& shape) -> std::shared_ptr<ResidualBlock> {
    if (plan.stages.has_bottlenecks())
      return std::make_shared<Bottleneck>(shape, plan.shortcut_name, plan.batch_norm, generator);
    return std::make_shared<BasicBlock>(shape, plan.shortcut_name, plan.batch_norm, generator);
  };
  blocks_ = add_stages(*this, plan.stages, make_block);
  head_ =
      register_module(plan.head_name, Linear(plan.stages.features(), kClasses, /*has_bias=*/true, generator));
  initialize_convolutions(*this, generator);
}

at::Tensor ResidualNet::forward(const at::Tensor& images) {
  auto x = stem_.forward(images, Activation::kRelu);  // [B,stem,32,32]
  for (auto& block : blocks_) x = block->forward(x);
  return head_->forward(x.mean({2, 3})).to(torch::kFloat32);
}

CifarResNet::CifarResNet(const CifarResNetOptions& options, at::Generator& generator)
    : ResidualNet({.stages = {.stem = options.width,
                              .widths = doubling_widths(options.width, 3),
                              .blocks = std::vector<int64_t>(3, (options.depth - 2) / 6),
                              .expansion = 1,
                              .prefix = "layer",
                              .infix = ""},
                   .shortcut_name = "downsample",
                   .head_name = "fc",
                   .batch_norm = options.batch_norm},
                  generator) {}

ResNet::ResNet(const ResNetOptions& options, at::Generator& generator)
    : ResidualNet({.stages = imagenet_stages(options.depth, options.width),
                   .shortcut_name = "shortcut",
                   .head_name = "linear",
                   .batch_norm = options.batch_norm},
                  generator) {}

}  // namespace cifar10
