#include "kernels/batch_norm_act.h"

#include "kernels/choice.h"
#include "kernels/fused_batch_norm_act.h"
#include "torch_api.h"

namespace cifar10::kernels {
namespace {

// Gradients in evaluation mode are nobody's need, and a single value has no variance.
[[maybe_unused]] bool suits_fusion(const at::Tensor& x, bool is_training) {
  const int64_t values_of_channel = x.size(0) * x.size(2) * x.size(3);
  return uses_own_kernels(at::kBFloat16, /*is_worthwhile=*/true) && x.is_cpu() &&
         x.scalar_type() == at::kBFloat16 && x.size(1) % 8 == 0 &&
         (is_training ? values_of_channel > 1 : values_of_channel > 0 && !at::GradMode::is_enabled());
}

void check_shapes(const at::Tensor& x, const at::Tensor& residual, const BatchNormState& state) {
  TORCH_CHECK(x.dim() == 4 && state.weight.numel() == x.size(1), "batch_norm_act: expected [B,",
              state.weight.numel(), ",H,W], found ", x.sizes());
  TORCH_CHECK(!residual.defined() || residual.sizes() == x.sizes(), "batch_norm_act: expected a residual ",
              x.sizes(), ", found ", residual.sizes());
}

at::Tensor libtorch_batch_norm_act(const at::Tensor& x, const at::Tensor& residual,
                                   const BatchNormState& state, Activation activation) {
  // The activations may be bfloat16: LibTorch then normalizes in float32 with these float32 parameters.
  auto y = at::batch_norm(x, state.weight, state.bias, state.running_mean, state.running_var,
                          state.is_training, state.momentum, state.epsilon, /*cudnn_enabled=*/true);
  if (residual.defined()) y = y + residual;
  if (activation == Activation::kGelu) return at::gelu(y);
  return activation == Activation::kRelu ? at::relu(y) : y;
}

}  // namespace

at::Tensor batch_norm_act(const at::Tensor& x, const at::Tensor& residual, const BatchNormState& state,
                          Activation activation) {
  check_shapes(x, residual, state);
#if CIFAR10_HAS_AVX512_KERNELS
  if (suits_fusion(x, state.is_training)) return fused_batch_norm_act(x, residual, state, activation);
#endif
  return libtorch_batch_norm_act(x, residual, state, activation);
}

}  // namespace cifar10::kernels
