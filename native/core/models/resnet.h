// Owns the residual nets of He et al. 2015 (arXiv 1512.03385): the CIFAR form of its section 4.2 (keys of
// chenyaofo/pytorch-cifar-models) and the ImageNet form with a 3x3 stem (keys of kuangliu/pytorch-cifar).
#pragma once

#include <string>
#include <vector>

#include "models/blocks.h"
#include "models/model.h"

namespace cifar10 {

class BasicBlockImpl : public torch::nn::Module {
 public:
  // Where the shape changes, a 1x1 convolution and a batch norm under the key `shortcut_name` make the
  // shortcut
  // ("option B").
  BasicBlockImpl(int64_t in, int64_t out, int64_t stride, const std::string& shortcut_name,
                 const BatchNormOptions& batch_norm, at::Generator& generator);
  at::Tensor forward(const at::Tensor& x);  // [B,in,S,S] -> [B,out,S/stride,S/stride]

 private:
  at::Tensor shortcut(const at::Tensor& x);

  Conv conv1_{nullptr}, conv2_{nullptr}, shortcut_conv_{nullptr};
  BatchNorm bn1_{nullptr}, bn2_{nullptr}, shortcut_bn_{nullptr};
};
TORCH_MODULE(BasicBlock);

// What the two forms share: stem, stages of basic blocks, global average pool, linear layer.
class ResidualNet : public Model {
 public:
  at::Tensor forward(const at::Tensor& images) override;

 protected:
  struct Plan {
    std::vector<int64_t> widths;  // one per stage; every stage but the first halves the side
    std::vector<int64_t> blocks;  // one per stage
    std::string shortcut_name;
    std::string head_name;
    BatchNormOptions batch_norm;
  };
  ResidualNet(const Plan& plan, at::Generator& generator);

 private:
  Conv conv1_{nullptr};
  BatchNorm bn1_{nullptr};
  std::vector<BasicBlock> blocks_;
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
