#include "kernels/strided_conv.h"

#include "kernels/conv_operator.h"
#include "kernels/share_pair_sums.h"
#include "kernels/strided.h"
#include "kernels/tensor_memory.h"
#include "torch_api.h"

namespace cifar10::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kStride = 2, kPadding = 1;

at::Tensor backward_data(const SavedConv& saved, const at::Tensor& gradient) {
  const auto weight = saved.weight().to(gradient.scalar_type());
  return std::get<0>(at::convolution_backward(gradient, saved.x(), weight, at::nullopt, {kStride, kStride},
                                              {kPadding, kPadding}, {1, 1}, /*transposed=*/false, {0, 0},
                                              /*groups=*/1, {true, false, false}));
}

at::Tensor backward_weight(const SavedConv& saved, const at::Tensor& gradient) {
  const auto& shape = saved.shape;
  return share_pair_sums(
      shape,
      {.pairs = strided::pair_count(shape), .planes = 9, .scratch_bytes = strided::gather_scratch(shape)},
      [&](auto... part) {
        strided::gather_weight_gradient(shape, read<bf16>(saved.x()), read<bf16>(gradient), part...);
      },
      [&](auto... sums) { strided::finish_weight_gradient(shape, sums...); });
}

// Forward and the input's gradient are LibTorch's.
class StridedConv : public torch::autograd::Function<StridedConv> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight) {
    context->save_for_backward({x, weight});
    return libtorch_conv3x3(x, weight, kStride);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const SavedConv saved(context);
    const auto gradient = gradients[0].contiguous(kChannelsLast);
    return {saved.wants_x ? backward_data(saved, gradient) : at::Tensor(),
            saved.wants_weight ? backward_weight(saved, gradient) : at::Tensor()};
  }
};

}  // namespace

at::Tensor strided_conv3x3(const at::Tensor& x, const at::Tensor& weight) {
  return StridedConv::apply(x.contiguous(kChannelsLast), weight);
}

}  // namespace cifar10::kernels
