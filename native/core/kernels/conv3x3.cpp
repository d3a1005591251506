#include "kernels/conv3x3.h"

#include "kernels/choice.h"
#include "kernels/conv_operator.h"
#include "kernels/strided_conv.h"
#include "kernels/winograd_conv.h"
#include "torch_api.h"

namespace cifar10::kernels {
namespace {

// Squares of 2x2 pixels that outweigh what every call costs: packing the weights, finishing their gradient.
constexpr int64_t kFewestTiles = 384;

[[maybe_unused]] bool suits_own_kernels(const at::Tensor& x, const at::Tensor& weight) {
  const int64_t tiles = x.size(0) * ((x.size(2) + 1) / 2) * ((x.size(3) + 1) / 2);
  return x.is_cpu() && x.scalar_type() == at::kBFloat16 && x.size(0) > 0 && x.size(2) > 1 && x.size(3) > 1 &&
         weight.size(1) % 8 == 0 && weight.size(0) % 16 == 0 &&
         uses_own_kernels(at::kBFloat16, tiles >= kFewestTiles);
}

void check_shapes(const at::Tensor& x, const at::Tensor& weight) {
  TORCH_CHECK(x.dim() == 4 && weight.dim() == 4 && weight.size(1) == x.size(1) && weight.size(2) == 3 &&
                  weight.size(3) == 3,
              "conv3x3: expected [B,in,H,W] and [out,in,3,3], found ", x.sizes(), " and ", weight.sizes());
}

}  // namespace

at::Tensor conv3x3(const at::Tensor& x, const at::Tensor& weight) {
  check_shapes(x, weight);
#if CIFAR10_HAS_AVX512_KERNELS
  if (suits_own_kernels(x, weight)) return winograd_conv3x3(x, weight);
#endif
  return libtorch_conv3x3(x, weight, /*stride=*/1);
}

WithShortcut conv3x3_with_shortcut(const at::Tensor& x, const at::Tensor& weight) {
  check_shapes(x, weight);
#if CIFAR10_HAS_AVX512_KERNELS
  if (suits_own_kernels(x, weight)) return winograd_conv3x3_with_shortcut(x, weight);
#endif
  return {libtorch_conv3x3(x, weight, /*stride=*/1), x};
}

at::Tensor conv3x3_stride2(const at::Tensor& x, const at::Tensor& weight) {
  check_shapes(x, weight);
#if CIFAR10_HAS_AVX512_KERNELS
  if (suits_own_kernels(x, weight) && is_learned(x, weight)) return strided_conv3x3(x, weight);
#endif
  return libtorch_conv3x3(x, weight, /*stride=*/2);
}

at::Tensor conv3x3_max_pool(const at::Tensor& x, const at::Tensor& weight) {
  check_shapes(x, weight);
#if CIFAR10_HAS_AVX512_KERNELS
  if (suits_own_kernels(x, weight)) return winograd_conv3x3_max_pool(x, weight);
#endif
  return at::max_pool2d(libtorch_conv3x3(x, weight, /*stride=*/1), 2);
}

}  // namespace cifar10::kernels
