// Owns the plain convolutional net, in VGG's manner (Simonyan & Zisserman 2014, arXiv 1409.1556) with batch
// norm, group norm or none.
#pragma once

#include <vector>

#include "models/blocks.h"
#include "models/dropout.h"
#include "models/model.h"

namespace cifar10 {

// Convolution, norm, ReLU. Keys, in the stage: conv{i} and bn{i} or gn{i}; without a norm the convolution
// has a bias.
class CnnLayer {
 public:
  CnnLayer(torch::nn::Module& stage, int64_t number, int64_t in, int64_t out, const CnnOptions& options,
           at::Generator& generator);
  at::Tensor forward(const at::Tensor& x);

 private:
  Conv conv_{nullptr};
  ConvNorm batch_normed_;  // that convolution with a batch norm behind it; empty with another norm or none
  GroupNorm gn_{nullptr};  // empty likewise
};

class Cnn : public Model {
 public:
  Cnn(const CnnOptions& options, at::Generator& generator);
  at::Tensor forward(const at::Tensor& images) override;

 private:
  // Keys: stage{s} with its layers, fc; s and i from 1.
  std::vector<std::vector<CnnLayer>> stages_;
  Dropout dropout_{nullptr};
  Linear fc_{nullptr};
};

}  // namespace cifar10
