#include "models/blocks.h"

#include <cmath>

#include "torch_api.h"

namespace cifar10 {
namespace {

// Of a model that is only outlined, which has no generator, tensors are of the meta device: shapes without
// values.
at::TensorOptions options_of(const at::Generator& generator) {
  return torch::dtype(torch::kFloat32).device(generator.defined() ? torch::kCPU : torch::kMeta);
}

at::Tensor uniform(at::IntArrayRef shape, int64_t fan_in, at::Generator& generator) {
  if (!generator.defined()) return torch::empty(shape, options_of(generator));
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  return torch::empty(shape, torch::kFloat32).uniform_(-bound, bound, generator);
}

at::Tensor cast_if_defined(const at::Tensor& tensor, at::ScalarType dtype) {
  return tensor.defined() ? tensor.to(dtype) : tensor;
}

// What a 1x1 convolution of this stride sees of x. It is taken out here because oneDNN 3.12's own way
// overwrites memory in the backward pass of channels-last tensors with fewer channels than a vector has
// lanes: wrong gradients, a hang or a crash, by processor (github.com/uxlfoundation/oneDNN/issues/6035). And
// it is taken out by pooling because a slice's gradient is not channels-last: adding it to the others of x is
// slow.
at::Tensor every_nth_pixel(const at::Tensor& x, int64_t n) {
  return at::avg_pool2d(x, /*kernel_size=*/1, /*stride=*/n);
}

}  // namespace

ConvImpl::ConvImpl(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding, bool has_bias,
                   at::Generator& generator)
    : stride_(stride), padding_(padding) {
  const int64_t fan_in = in * kernel * kernel;
  const auto initial = uniform({out, in, kernel, kernel}, fan_in, generator);
  weight = register_parameter("weight", initial.contiguous(at::MemoryFormat::ChannelsLast));
  if (has_bias) bias = register_parameter("bias", uniform({out}, fan_in, generator));
}

bool ConvImpl::is_plain_3x3(int64_t stride) const {
  return weight.size(2) == 3 && stride_ == stride && padding_ == 1 && !bias.defined();
}

at::Tensor ConvImpl::forward(const at::Tensor& x) const {
  if (is_plain_3x3()) return kernels::conv3x3(x, weight);
  if (is_plain_3x3(/*stride=*/2)) return kernels::conv3x3_stride2(x, weight);
  const bool skips_pixels = weight.size(2) == 1 && padding_ == 0 && stride_ > 1;
  const auto stride = skips_pixels ? 1 : stride_;
  return at::conv2d(skips_pixels ? every_nth_pixel(x, stride_) : x, weight.to(x.scalar_type()),
                    cast_if_defined(bias, x.scalar_type()), stride, padding_);
}

kernels::WithShortcut ConvImpl::forward_with_shortcut(const at::Tensor& x) const {
  return is_plain_3x3() ? kernels::conv3x3_with_shortcut(x, weight) : kernels::WithShortcut{forward(x), x};
}

at::Tensor ConvImpl::forward_max_pool(const at::Tensor& x) const {
  return is_plain_3x3() ? kernels::conv3x3_max_pool(x, weight) : at::max_pool2d(forward(x), 2);
}

Conv conv3x3(int64_t in, int64_t out, int64_t stride, at::Generator& generator) {
  return Conv(in, out, 3, stride, 1, false, generator);
}

Conv conv1x1(int64_t in, int64_t out, int64_t stride, at::Generator& generator) {
  return Conv(in, out, 1, stride, 0, false, generator);
}

BatchNormImpl::BatchNormImpl(int64_t channels, const BatchNormOptions& options,
                             const at::Generator& generator)
    : options_(options) {
  const auto placed = options_of(generator);
  weight = register_parameter("weight", torch::ones({channels}, placed));
  bias = register_parameter("bias", torch::zeros({channels}, placed));
  running_mean = register_buffer("running_mean", torch::zeros({channels}, placed));
  running_var = register_buffer("running_var", torch::ones({channels}, placed));
  num_batches_tracked = register_buffer("num_batches_tracked", torch::zeros({}, torch::kInt64));
}

at::Tensor BatchNormImpl::forward(const at::Tensor& x, Activation activation, const at::Tensor& residual) {
  if (is_training()) num_batches_tracked.add_(1);
  return kernels::batch_norm_act(x, residual, state(), activation);
}

kernels::BatchNormState BatchNormImpl::state() const {
  return {weight, bias, running_mean, running_var, is_training(), options_.momentum, options_.epsilon};
}

at::Tensor ConvNorm::forward(const at::Tensor& x, Activation activation, const at::Tensor& residual) {
  if (auto* const both = folded(x)) return (*both)(x, residual, activation, /*pools=*/false);
  return norm_->forward(conv_->forward(x), activation, residual);
}

kernels::WithShortcut ConvNorm::forward_with_shortcut(const at::Tensor& x, Activation activation) {
  if (auto* const both = folded(x)) return {(*both)(x, {}, activation, /*pools=*/false), x};
  const auto [result, shortcut] = conv_->forward_with_shortcut(x);
  return {norm_->forward(result, activation), shortcut};
}

at::Tensor ConvNorm::forward_max_pool(const at::Tensor& x, Activation activation) {
  if (auto* const both = folded(x)) return (*both)(x, {}, activation, /*pools=*/true);
  return norm_->forward(conv_->forward_max_pool(x), activation);
}

std::array<ConvNorm::Version, 5> ConvNorm::versions() const {
  const auto version = [](const at::Tensor& tensor) {
    return Version{tensor.const_data_ptr(), static_cast<uint32_t>(tensor._version())};
  };
  return {version(conv_->weight), version(norm_->weight), version(norm_->bias), version(norm_->running_mean),
          version(norm_->running_var)};
}

kernels::FoldedConv* ConvNorm::folded(const at::Tensor& x) {
  if (norm_->is_training()) folded_.reset();  // not every operator counts its writes to the statistics
  if (norm_->is_training() || !conv_->is_plain_3x3() || !kernels::FoldedConv::suits(x, conv_->weight))
    return nullptr;
  const auto now = versions();
  if (!folded_ || folded_->dtype() != x.scalar_type() || folded_versions_ != now) {
    folded_.emplace(conv_->weight, norm_->state(), x.scalar_type());
    folded_versions_ = now;
  }
  return &*folded_;
}

ConvNorm add_conv_norm(torch::nn::Module& parent, const std::string& conv_key, const Conv& conv,
                       const std::string& norm_key, const BatchNorm& norm) {
  return {parent.register_module(conv_key, conv), parent.register_module(norm_key, norm)};
}

GroupNormImpl::GroupNormImpl(int64_t groups, int64_t channels, double epsilon, const at::Generator& generator)
    : groups_(groups), epsilon_(epsilon) {
  weight = register_parameter("weight", torch::ones({channels}, options_of(generator)));
  bias = register_parameter("bias", torch::zeros({channels}, options_of(generator)));
}

at::Tensor GroupNormImpl::forward(const at::Tensor& x) const {
  // Mean and variance of up to thousands of values: float32, as torch.autocast does.
  return at::group_norm(x.to(torch::kFloat32), groups_, weight, bias, epsilon_).to(x.scalar_type());
}

LinearImpl::LinearImpl(int64_t in, int64_t out, bool has_bias, at::Generator& generator) {
  weight = register_parameter("weight", uniform({out, in}, in, generator));
  if (has_bias) bias = register_parameter("bias", uniform({out}, in, generator));
}

at::Tensor LinearImpl::forward(const at::Tensor& x) const {
  return at::linear(x, weight.to(x.scalar_type()), cast_if_defined(bias, x.scalar_type()));
}

void kaiming_normal_fan_out_(at::Tensor weight, at::Generator& generator) {
  const torch::NoGradGuard no_grad;
  const double fan_out = static_cast<double>(weight.size(0) * weight.size(2) * weight.size(3));
  weight.normal_(0, std::sqrt(2 / fan_out), generator);
}

}  // namespace cifar10
