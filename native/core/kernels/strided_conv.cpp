#include "kernels/strided_conv.h"

#include "kernels/conv_gradients.h"
#include "kernels/strided.h"
#include "kernels/tensor_memory.h"
#include "kernels/weight_gradient.h"
#include "torch_api.h"

namespace cifar10::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using winograd::bf16;

constexpr int64_t kStride = 2, kPadding = 1;

at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight) {
  return at::conv2d(x, weight.to(x.scalar_type()), {}, kStride, kPadding);
}

// LibTorch's: this and the weights' gradient go their own ways, the one there and the other here.
at::Tensor input_gradient(const Saved& saved, const at::Tensor& gradient) {
  const auto weight = saved.weight().to(gradient.scalar_type());
  return std::get<0>(at::convolution_backward(gradient, saved.x(), weight, at::nullopt, {kStride, kStride},
                                              {kPadding, kPadding}, {1, 1}, /*transposed=*/false, {0, 0},
                                              /*groups=*/1, {true, false, false}));
}

at::Tensor weights_gradient(const Saved& saved, const at::Tensor& gradient) {
  const auto& shape = saved.shape;
  return weight_gradient(
      shape,
      {.pairs = strided::pair_count(shape), .planes = 9, .scratch_bytes = strided::gather_scratch(shape)},
      [&](auto... part) {
        strided::gather_weight_gradient(shape, read<bf16>(saved.x()), read<bf16>(gradient), part...);
      },
      [&](auto... sums) { strided::finish_weight_gradient(shape, sums...); });
}

class StridedConv : public torch::autograd::Function<StridedConv> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight) {
    context->save_for_backward({x, weight});
    return convolve(x, weight);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Saved saved(context);
    const auto gradient = gradients[0].contiguous(kChannelsLast);
    return {saved.wants_x ? input_gradient(saved, gradient) : at::Tensor(),
            saved.wants_weight ? weights_gradient(saved, gradient) : at::Tensor()};
  }
};

}  // namespace

at::Tensor strided_conv3x3(const at::Tensor& x, const at::Tensor& weight) {
  return is_learned(x, weight) ? StridedConv::apply(x.contiguous(kChannelsLast), weight)
                               : convolve(x, weight);
}

}  // namespace cifar10::kernels
