// Owns a 3x3 convolution with the batch norm, residual sum and activation behind it as one operator for
// evaluation mode: weights are packed and statistics folded once, not at each call.
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/batch_norm_act.h"

namespace cifar10::kernels {

class FoldedConv {
 public:
  // Whether there is such an operator for this input, and no gradient is wanted. x: [B,in,H,W]; weight:
  // [out,in,3,3].
  static bool suits(const at::Tensor& x, const at::Tensor& weight);

  // weight: float32 [out,in,3,3]; dtype: that of activations, bfloat16 or float32.
  FoldedConv(const at::Tensor& weight, const BatchNormState& norm, at::ScalarType dtype);

  at::ScalarType dtype() const { return dtype_; }

  // activation(norm(x * weight) + residual), [B,out,H,W], or after max pooling of 2x2 squares
  // [B,out,H/2,W/2]; a residual, undefined or of the result's shape, goes with no pooling.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& residual, Activation activation, bool pools);

 private:
  template <int kSide>
  const at::Tensor& packed();
  template <int kSide, class Value>
  void infer(const at::Tensor& x, const at::Tensor& residual, Activation activation, bool pools,
             const at::Tensor& y);

  at::Tensor weight_;
  at::ScalarType dtype_;
  at::Tensor packed_by_2_;  // for tiles of that side (kernels/winograd.h), once they are needed
  at::Tensor packed_by_4_;
  at::Tensor scale_;   // float32 [out]
  at::Tensor offset_;  // float32 [out]
};

}  // namespace cifar10::kernels
