// Owns the speed-record CNN of KellerJordan/cifar10-airbench (arXiv 2404.00498): a frozen whitening layer,
// three groups of two convolutions, a linear head.
#pragma once

#include "models/blocks.h"
#include "models/model.h"

namespace cifar10 {

class FastGroupImpl : public torch::nn::Module {
 public:
  FastGroupImpl(int64_t in, int64_t out, const BatchNormOptions& batch_norm, at::Generator& generator);
  at::Tensor forward(const at::Tensor& x);  // [B,in,S,S] -> [B,out,S/2,S/2]

 private:
  Conv conv1_{nullptr}, conv2_{nullptr};
  BatchNorm bn1_{nullptr}, bn2_{nullptr};
};
TORCH_MODULE(FastGroup);

class FastCnn : public Model {
 public:
  FastCnn(const FastCnnOptions& options, at::Generator& generator);
  at::Tensor forward(const at::Tensor& images) override;
  void calibrate(const at::Tensor& images) override;
  int64_t calibration_images() const override { return options_.whitening.images; }
  ShortLived short_lived() const override;

 private:
  FastCnnOptions options_;
  Conv whiten_{nullptr};
  FastGroup group1_{nullptr}, group2_{nullptr}, group3_{nullptr};
  Linear head_{nullptr};
};

}  // namespace cifar10
