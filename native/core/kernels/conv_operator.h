// Owns what 3x3 convolutions as differentiable operators share.
#pragma once

#include <torch/csrc/autograd/custom_function.h>

#include "kernels/conv_shape.h"
#include "torch_api.h"

namespace cifar10::kernels {

inline ConvShape shape_of(const at::Tensor& x, const at::Tensor& weight) {
  return {x.size(0), x.size(2), x.size(3), weight.size(1), weight.size(0)};
}

// x: [B,in,H,W]; weight: [out,in,3,3], of any dtype. Padding 1, no bias.
inline at::Tensor libtorch_conv3x3(const at::Tensor& x, const at::Tensor& weight, int64_t stride) {
  return at::conv2d(x, weight.to(x.scalar_type()), {}, stride, /*padding=*/1);
}

inline bool is_learned(const at::Tensor& x, const at::Tensor& weight) {
  return at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
}

// What a convolution has saved, x and the weights first, and which gradients are wanted of it.
struct SavedConv {
  explicit SavedConv(torch::autograd::AutogradContext* context)
      : tensors(context->get_saved_variables()),
        shape(shape_of(x(), weight())),
        wants_x(context->needs_input_grad(0)),
        wants_weight(context->needs_input_grad(1)) {
    TORCH_CHECK(!at::GradMode::is_enabled(), "conv3x3 has no second derivative");
  }
  const at::Tensor& x() const { return tensors[0]; }
  const at::Tensor& weight() const { return tensors[1]; }

  torch::autograd::variable_list tensors;
  ConvShape shape;
  bool wants_x, wants_weight;
};

}  // namespace cifar10::kernels
