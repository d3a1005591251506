#include "models/cnn.h"

#include "torch_api.h"

#include "data/dataset.h"

namespace cifar10 {

Cnn::Cnn(const CnnOptions& options, at::Generator& generator) {
  int64_t in = 3;
  for (size_t s = 0; s < options.widths.size(); ++s) {
    auto stage = register_module("stage" + std::to_string(s + 1), Group());
    auto& layers = stages_.emplace_back();
    for (int64_t i = 1; i <= options.convs_per_stage; ++i) {
      const auto number = std::to_string(i);
      const auto conv = stage->register_module("conv" + number, conv3x3(in, options.widths[s], 1, generator));
      kaiming_normal_fan_out_(conv->weight, generator);
      const auto bn = stage->register_module("bn" + number, BatchNorm(options.widths[s], options.batch_norm));
      layers.push_back({conv, bn});
      in = options.widths[s];
    }
  }
  fc_ = register_module("fc", Linear(in, kClasses, /*has_bias=*/true, generator));
}

at::Tensor Cnn::forward(const at::Tensor& images) {
  auto x = images;
  for (auto& layers : stages_) {
    for (auto& [conv, bn] : layers) x = at::relu(bn->forward(conv->forward(x)));
    x = at::max_pool2d(x, 2);  // halves the side: 32 -> 16 -> 8 …
  }
  return fc_->forward(x.mean({2, 3})).to(torch::kFloat32);  // global average pool
}

}  // namespace cifar10
