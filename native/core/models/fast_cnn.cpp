#include "models/fast_cnn.h"

#include <torch/nn/init.h>

#include <algorithm>

#include "data/dataset.h"
#include "torch_api.h"

namespace cifar10 {
namespace {

constexpr int64_t kPatch = 2;                           // side of a whitened patch
constexpr int64_t kWhitened = 2 * 3 * kPatch * kPatch;  // each eigenvector and its negative: 24 filters

// The first `in` filters pass their input channel through unchanged; the others keep their random start.
void dirac_(at::Tensor weight) {
  const torch::NoGradGuard no_grad;
  torch::nn::init::dirac_(weight.narrow(0, 0, std::min(weight.size(0), weight.size(1))));
}

Conv identity_conv(int64_t in, int64_t out, at::Generator& generator) {
  auto conv = conv3x3(in, out, 1, generator);
  dirac_(conv->weight);
  return conv;
}

// Only the bias is trained: the next convolution undoes any scale.
BatchNorm bias_only_norm(int64_t channels, const BatchNormOptions& options, const at::Generator& generator) {
  auto norm = BatchNorm(channels, options, generator);
  norm->weight.set_requires_grad(false);
  return norm;
}

// float64 [12,12]: mean of pᵀp over all 2x2 patches p. In chunks, because the patches take eight times the
// memory of the images, and twice that in float64.
at::Tensor patch_covariance(const at::Tensor& images) {
  constexpr int64_t kChunk = 500;
  constexpr int64_t kSize = 3 * kPatch * kPatch;
  auto sum = torch::zeros({kSize, kSize}, torch::kFloat64);
  int64_t count = 0;
  for (const auto& chunk : images.split(kChunk)) {
    const auto windows = chunk.unfold(2, kPatch, 1).unfold(3, kPatch, 1);  // [n,3,31,31,2,2]
    const auto patches = windows.permute({0, 2, 3, 1, 4, 5}).reshape({-1, kSize}).to(torch::kFloat64);
    sum += patches.t().matmul(patches);
    count += patches.size(0);
  }
  return sum.div(count);
}

}  // namespace

FastGroupImpl::FastGroupImpl(int64_t in, int64_t out, const FastCnnOptions& options,
                             at::Generator& generator) {
  const auto add_layer = [&](const std::string& number, int64_t channels) {
    return add_conv_norm(*this, "conv" + number, identity_conv(channels, out, generator), "bn" + number,
                         bias_only_norm(out, options.batch_norm, generator));
  };
  first_ = add_layer("1", in);
  second_ = add_layer("2", out);
  if (options.convs_per_group == 3) third_ = add_layer("3", out);
}

at::Tensor FastGroupImpl::forward(const at::Tensor& x) {
  const auto first = first_.forward_max_pool(x, Activation::kGelu);
  const auto second = second_.forward(first, Activation::kGelu);
  return third_ ? third_.forward(second, Activation::kGelu, first) : second;
}

FastCnn::FastCnn(const FastCnnOptions& options, at::Generator& generator) : options_(options) {
  const auto& widths = options_.widths;
  whiten_ = register_module("whiten", Conv(3, kWhitened, kPatch, 1, 0, /*has_bias=*/true, generator));
  whiten_->weight.set_requires_grad(false);
  group1_ = register_module("group1", FastGroup(kWhitened, widths.at(0), options_, generator));
  group2_ = register_module("group2", FastGroup(widths.at(0), widths.at(1), options_, generator));
  group3_ = register_module("group3", FastGroup(widths.at(1), widths.at(2), options_, generator));
  head_ = register_module("head", Linear(widths.at(2), kClasses, /*has_bias=*/false, generator));
  const torch::NoGradGuard no_grad;
  if (options_.whitening.bias_init == BiasInit::kZero) whiten_->bias.zero_();
  if (options_.head_init == HeadInit::kUnitVariance && !head_->weight.is_meta())
    head_->weight.div_(head_->weight.std());
}

at::Tensor FastCnn::forward(const at::Tensor& images) {
  auto x = at::gelu(whiten_->forward(images));  // [B,24,31,31]
  x = group1_->forward(x);                      // [B,w1,15,15]
  x = group2_->forward(x);                      // [B,w2,7,7]
  x = group3_->forward(x);                      // [B,w3,3,3]
  x = at::max_pool2d(x, 3).flatten(1);          // [B,w3]
  return head_->forward(x).to(torch::kFloat32).div(options_.logit_divisor);
}

// PCA whitening of 2x2 patches: filters are eigenvectors of the uncentred covariance over √(eigenvalue + ε).
void FastCnn::calibrate(const at::Tensor& images) {
  const torch::NoGradGuard no_grad;
  const auto covariance = patch_covariance(images);  // [12,12]
  const auto [eigenvalues, eigenvectors] = at::linalg_eigh(covariance, "L");
  const auto scaled = eigenvectors.div(eigenvalues.add(options_.whitening.epsilon).sqrt());  // one per column
  const auto filters = scaled.t().reshape({-1, 3, kPatch, kPatch});
  whiten_->weight.copy_(torch::cat({filters, -filters}));
}

Model::ShortLived FastCnn::short_lived() const {
  return {whiten_->bias, options_.whitening.bias_epochs, options_.whitening.bias_decays};
}

}  // namespace cifar10
