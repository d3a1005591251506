// Owns the plain convolutional net, in VGG's manner (Simonyan & Zisserman 2014, arXiv 1409.1556) with batch
// norm.
#pragma once

#include <vector>

#include "models/blocks.h"
#include "models/model.h"

namespace cifar10 {

class Cnn : public Model {
 public:
  Cnn(const CnnOptions& options, at::Generator& generator);
  at::Tensor forward(const at::Tensor& images) override;

 private:
  // Keys: stage{s}.conv{i}, stage{s}.bn{i}, fc; s and i from 1.
  struct Layer {
    Conv conv{nullptr};
    BatchNorm bn{nullptr};
  };
  std::vector<std::vector<Layer>> stages_;
  Linear fc_{nullptr};
};

}  // namespace cifar10
