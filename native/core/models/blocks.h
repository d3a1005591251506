// Owns the layers the models are made of. They keep their weights in float32 and compute in the dtype of
// their input, as torch.autocast does, and they draw their initial values from an explicit generator: this is
// why torch::nn's own layers are not used. From an undefined one they have no values. State keys are
// PyTorch's.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "kernels/batch_norm_act.h"
#include "kernels/conv3x3.h"
#include "kernels/folded_conv.h"
#include "models/model_options.h"

namespace cifar10 {

using kernels::Activation;

class ConvImpl : public torch::nn::Module {
 public:
  // Square kernel. Weights start as torch.nn.Conv2d's: uniform in ±1/√fan_in.
  ConvImpl(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding, bool has_bias,
           at::Generator& generator);
  at::Tensor forward(const at::Tensor& x) const;  // [B,in,H,W] -> [B,out,H',W']
  // With x itself, for a shortcut around the layer.
  kernels::WithShortcut forward_with_shortcut(const at::Tensor& x) const;
  // Followed by max pooling of 2x2 squares: [B,in,H,W] -> [B,out,H'/2,W'/2].
  at::Tensor forward_max_pool(const at::Tensor& x) const;

  // Of this stride, padding 1, no bias: one of kernels/conv3x3.h.
  bool is_plain_3x3(int64_t stride = 1) const;

  at::Tensor weight;  // float32 [out,in,kernel,kernel], channels-last
  at::Tensor bias;    // float32 [out], or undefined

 private:
  int64_t stride_;
  int64_t padding_;
};
TORCH_MODULE(Conv);

// 3x3, stride 1 or 2, padding 1, no bias: the convolution between batch norms.
Conv conv3x3(int64_t in, int64_t out, int64_t stride, at::Generator& generator);
// 1x1, stride 1 or 2, no bias: changes the number of channels.
Conv conv1x1(int64_t in, int64_t out, int64_t stride, at::Generator& generator);

class BatchNormImpl : public torch::nn::Module {
 public:
  BatchNormImpl(int64_t channels, const BatchNormOptions& options, const at::Generator& generator);
  // [B,channels,H,W]; training mode updates the running statistics. The result is activation(norm(x) +
  // residual).
  at::Tensor forward(const at::Tensor& x, Activation activation = Activation::kNone,
                     const at::Tensor& residual = {});

  at::Tensor weight;  // float32 [channels], starts at 1
  at::Tensor bias;    // float32 [channels], starts at 0
  at::Tensor running_mean;
  at::Tensor running_var;
  at::Tensor num_batches_tracked;  // int64 scalar

  kernels::BatchNormState state() const;  // shares its tensors

 private:
  BatchNormOptions options_;
};
TORCH_MODULE(BatchNorm);

// A convolution with the batch norm behind it, which the model has registered under keys of its own: in
// evaluation mode the two are one operator where there is one (kernels/folded_conv.h), folded when it is
// first used and again when their tensors have changed.
class ConvNorm {
 public:
  ConvNorm() = default;
  ConvNorm(Conv conv, BatchNorm norm) : conv_(std::move(conv)), norm_(std::move(norm)) {}
  explicit operator bool() const { return !conv_.is_empty(); }

  // activation(norm(conv(x)) + residual)
  at::Tensor forward(const at::Tensor& x, Activation activation = Activation::kNone,
                     const at::Tensor& residual = {});
  // activation(norm(conv(x))), and x itself for a shortcut around the layer.
  kernels::WithShortcut forward_with_shortcut(const at::Tensor& x, Activation activation);
  // With max pooling of 2x2 squares before the norm.
  at::Tensor forward_max_pool(const at::Tensor& x, Activation activation);

 private:
  // What a folded operator was made of: where a tensor lies, and how often it had been written to.
  struct Version {
    const void* data;
    uint32_t writes;
    bool operator==(const Version&) const = default;
  };
  std::array<Version, 5> versions() const;
  // Null where the two are not folded.
  kernels::FoldedConv* folded(const at::Tensor& x);

  Conv conv_{nullptr};
  BatchNorm norm_{nullptr};
  std::optional<kernels::FoldedConv> folded_;
  std::array<Version, 5> folded_versions_{};
};

// Registers both in `parent` under these keys.
ConvNorm add_conv_norm(torch::nn::Module& parent, const std::string& conv_key, const Conv& conv,
                       const std::string& norm_key, const BatchNorm& norm);

// Wu & He 2018 (arXiv 1803.08494): as torch.nn.GroupNorm, the same in training and evaluation mode.
class GroupNormImpl : public torch::nn::Module {
 public:
  // `groups` divides `channels`.
  GroupNormImpl(int64_t groups, int64_t channels, double epsilon, const at::Generator& generator);
  at::Tensor forward(const at::Tensor& x) const;  // [B,channels,H,W]

  at::Tensor weight;  // float32 [channels], starts at 1
  at::Tensor bias;    // float32 [channels], starts at 0

 private:
  int64_t groups_;
  double epsilon_;
};
TORCH_MODULE(GroupNorm);

class LinearImpl : public torch::nn::Module {
 public:
  // Weights start as torch.nn.Linear's: uniform in ±1/√in.
  LinearImpl(int64_t in, int64_t out, bool has_bias, at::Generator& generator);
  at::Tensor forward(const at::Tensor& x) const;  // [B,in] -> [B,out]

  at::Tensor weight;  // float32 [out,in]
  at::Tensor bias;    // float32 [out], or undefined
};
TORCH_MODULE(Linear);

// Only a name in front of its members' keys: `layer1` in `layer1.0.conv1.weight`.
class GroupImpl : public torch::nn::Module {};
TORCH_MODULE(Group);

// He et al. 2015 (arXiv 1502.01852): normal with variance 2 / fan_out, for nets of convolutions and ReLUs.
void kaiming_normal_fan_out_(at::Tensor weight, at::Generator& generator);

}  // namespace cifar10
