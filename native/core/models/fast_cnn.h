// Owns the speed-record CNNs of KellerJordan/cifar10-airbench (arXiv 2404.00498): a frozen whitening layer,
// three groups of two or three convolutions, a linear head.
#pragma once

#include "models/blocks.h"
#include "models/model.h"

namespace cifar10 {

// Convolution, max-pool, batch norm, GELU, then convolution, batch norm, GELU. With three convolutions the
// last one's normalized output is added to that of the first GELU before the last GELU, as in airbench96.py.
class FastGroupImpl : public torch::nn::Module {
 public:
  FastGroupImpl(int64_t in, int64_t out, const FastCnnOptions& options, at::Generator& generator);
  at::Tensor forward(const at::Tensor& x);  // [B,in,S,S] -> [B,out,S/2,S/2]

 private:
  ConvNorm first_, second_, third_;  // the third may be empty
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
