// Owns the pre-activation residual nets of He et al. 2016 (arXiv 1603.05027): batch norm and ReLU come before
// each convolution, and the sum of a block is handed on as it is. Keys of kuangliu/pytorch-cifar.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/dropout.h"
#include "models/model.h"
#include "models/residual.h"

namespace cifar10 {

struct PreActPlan {
  StagesPlan stages;
  std::string shortcut_key;  // of the 1x1 convolution where the shape changes: "shortcut.0"
  double dropout;            // rate, before the second convolution of a block that is no bottleneck
  std::string norm_name;     // of the last batch norm
  std::string head_name;
  BatchNormOptions batch_norm;
};

// Two 3x3 convolutions. Where the shape changes, the shortcut is a 1x1 convolution, without bias and norm,
// of the activated input; elsewhere it is the input as it came.
class PreActBlock : public ResidualBlock {
 public:
  PreActBlock(const BlockShape& shape, const PreActPlan& plan, at::Generator& generator);
  at::Tensor forward(const at::Tensor& x) override;

 private:
  BatchNorm norm_{nullptr};
  ConvNorm first_;
  Conv last_{nullptr}, shortcut_{nullptr};
  Dropout dropout_{nullptr};
};

// 1x1, 3x3 (with the stride), 1x1 convolutions; the shortcut as above.
class PreActBottleneck : public ResidualBlock {
 public:
  PreActBottleneck(const BlockShape& shape, const PreActPlan& plan, at::Generator& generator);
  at::Tensor forward(const at::Tensor& x) override;

 private:
  BatchNorm norm_{nullptr};
  ConvNorm first_, second_;
  Conv last_{nullptr}, shortcut_{nullptr};
};

// Stem convolution, stages, a last batch norm and ReLU, global average pool, linear layer.
class PreActNet : public Model {
 public:
  at::Tensor forward(const at::Tensor& images) override;

 protected:
  PreActNet(const PreActPlan& plan, at::Generator& generator);

 private:
  Conv conv1_{nullptr};
  std::vector<std::shared_ptr<ResidualBlock>> blocks_;
  BatchNorm norm_{nullptr};
  Linear head_{nullptr};
};

// Deviation from kuangliu/pytorch-cifar: the last batch norm and ReLU, key `bn`, which that code lacks and
// the paper has ("in the last Residual Unit … an extra activation right after its element-wise addition").
class PreActResNet : public PreActNet {
 public:
  PreActResNet(const PreActResNetOptions& options, at::Generator& generator);
};

}  // namespace cifar10
