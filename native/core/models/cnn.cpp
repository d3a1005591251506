#include "models/cnn.h"

#include "data/dataset.h"
#include "torch_api.h"

namespace cifar10 {

CnnLayer::CnnLayer(torch::nn::Module& stage, int64_t number, int64_t in, int64_t out,
                   const CnnOptions& options, at::Generator& generator) {
  const auto suffix = std::to_string(number);
  const bool has_bias = options.norm == NormKind::kNone;
  conv_ = stage.register_module("conv" + suffix, Conv(in, out, 3, 1, 1, has_bias, generator));
  kaiming_normal_fan_out_(conv_->weight, generator);
  if (options.norm == NormKind::kBatch)
    batch_normed_ = {conv_,
                     stage.register_module("bn" + suffix, BatchNorm(out, options.batch_norm, generator))};
  if (options.norm == NormKind::kGroup)
    gn_ = stage.register_module("gn" + suffix,
                                GroupNorm(options.groups, out, options.batch_norm.epsilon, generator));
}

at::Tensor CnnLayer::forward(const at::Tensor& x) {
  if (batch_normed_) return batch_normed_.forward(x, Activation::kRelu);
  const auto features = conv_->forward(x);
  return at::relu(gn_ ? gn_->forward(features) : features);
}

Cnn::Cnn(const CnnOptions& options, at::Generator& generator) {
  int64_t in = 3;
  for (size_t s = 0; s < options.widths.size(); ++s) {
    auto stage = register_module("stage" + std::to_string(s + 1), Group());
    auto& layers = stages_.emplace_back();
    for (int64_t i = 1; i <= options.convs_per_stage; ++i) {
      layers.emplace_back(*stage, i, in, options.widths[s], options, generator);
      in = options.widths[s];
    }
  }
  dropout_ = register_module("dropout", Dropout(options.dropout));
  fc_ = register_module("fc", Linear(in, kClasses, /*has_bias=*/true, generator));
}

at::Tensor Cnn::forward(const at::Tensor& images) {
  auto x = images;
  for (auto& layers : stages_) {
    for (auto& layer : layers) x = layer.forward(x);
    x = at::max_pool2d(x, 2);  // halves the side: 32 -> 16 -> 8 …
  }
  const auto pooled = dropout_->forward(x.mean({2, 3}));  // global average pool
  return fc_->forward(pooled).to(torch::kFloat32);
}

}  // namespace cifar10
