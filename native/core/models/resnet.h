// Owns the residual nets of He et al. 2015 (arXiv 1512.03385): the CIFAR form of its section 4.2 (keys of
// chenyaofo/pytorch-cifar-models) and the ImageNet form with a 3x3 stem without max-pool (keys of
// kuangliu/pytorch-cifar).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/model.h"
#include "models/residual.h"

namespace cifar10 {

// Where the shape changes: a 1x1 convolution and a batch norm, as `0` and `1` under the key `name`.
class ProjectionImpl : public torch::nn::Module {
 public:
  ProjectionImpl(const BlockShape& shape, const BatchNormOptions& batch_norm, at::Generator& generator);
  at::Tensor forward(const at::Tensor& x);

 private:
  ConvNorm layer_;
};
TORCH_MODULE(Projection);

class BasicBlock : public ResidualBlock {
 public:
  // `shortcut_name`: the key of the projection where the shape changes.
  BasicBlock(const BlockShape& shape, const std::string& shortcut_name, const BatchNormOptions& batch_norm,
             at::Generator& generator);
  at::Tensor forward(const at::Tensor& x) override;

 private:
  ConvNorm first_, second_;
  Projection shortcut_{nullptr};  // empty: the identity
};

// 1x1, 3x3, 1x1 convolutions; the 3x3 one has the stride, as in kuangliu/pytorch-cifar and torchvision (in
// the paper it is the first).
class Bottleneck : public ResidualBlock {
 public:
  Bottleneck(const BlockShape& shape, const std::string& shortcut_name, const BatchNormOptions& batch_norm,
             at::Generator& generator);
  at::Tensor forward(const at::Tensor& x) override;

 private:
  ConvNorm first_, second_, third_;
  Projection shortcut_{nullptr};  // empty: the identity
};

// What the two forms share: stem, stages, global average pool, linear layer.
class ResidualNet : public Model {
 public:
  at::Tensor forward(const at::Tensor& images) override;

 protected:
  struct Plan {
    StagesPlan stages;
    std::string shortcut_name;
    std::string head_name;
    BatchNormOptions batch_norm;
  };
  ResidualNet(const Plan& plan, at::Generator& generator);

 private:
  ConvNorm stem_;
  std::vector<std::shared_ptr<ResidualBlock>> blocks_;
  Linear head_{nullptr};
};

class CifarResNet : public ResidualNet {
 public:
  CifarResNet(const CifarResNetOptions& options, at::Generator& generator);
};

class ResNet : public ResidualNet {
 public:
  ResNet(const ResNetOptions& options, at::Generator& generator);
};

}  // namespace cifar10
