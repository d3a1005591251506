#include "kernels/winograd_conv.h"

#include "kernels/conv_operator.h"
#include "kernels/packed_weights.h"
#include "kernels/share.h"
#include "kernels/share_pair_sums.h"
#include "kernels/tensor_memory.h"
#include "kernels/winograd.h"
#include "kernels/winograd_side.h"
#include "torch_api.h"

namespace cifar10::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using winograd::Direction;

at::Tensor empty_like_nhwc(const at::Tensor& like, at::IntArrayRef sizes, at::ScalarType dtype) {
  return at::empty(sizes, like.options().dtype(dtype), kChannelsLast);
}

at::Tensor bytes(int64_t count) { return at::empty({count}, at::kByte); }

// Calls work(begin, end, scratch) for parts of `tiles`, each on a thread.
template <int kSide, class Work>
void share_tiles(const ConvShape& shape, int64_t tiles, const Work& work) {
  share(tiles, winograd::kBlock<kSide>, [&] {
    return [&, scratch = bytes(winograd::convolve_scratch<kSide, bf16>(shape))](int64_t begin, int64_t end) {
      work(begin, end, scratch.data_ptr());
    };
  });
}

template <int kSide>
at::Tensor convolve(const ConvShape& shape, const at::Tensor& x, const at::Tensor& weight) {
  const auto packed = packed_weights<kSide>(weight, Direction::kForward, at::kBFloat16);
  const auto y = empty_like_nhwc(x, {shape.images, shape.out, shape.height, shape.width}, at::kBFloat16);
  share_tiles<kSide>(shape, winograd::tile_count<kSide>(shape),
                     [&](int64_t begin, int64_t end, void* scratch) {
                       winograd::convolve<kSide>(shape, read<bf16>(x), read<bf16>(packed), write<bf16>(y),
                                                 scratch, begin, end);
                     });
  return y;
}

at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight) {
  const auto shape = shape_of(x, weight);
  return with_side_for(shape, [&](auto side) { return convolve<side>(shape, x, weight); });
}

struct Pooled {
  at::Tensor values;
  at::Tensor winners;  // for the gradient; undefined without one
};

template <int kSide>
Pooled convolve_and_pool(const ConvShape& shape, const at::Tensor& x, const at::Tensor& weight,
                         bool keeps_winners) {
  const auto packed = packed_weights<kSide>(weight, Direction::kForward, at::kBFloat16);
  const at::DimVector sizes{shape.images, shape.out, shape.height / 2, shape.width / 2};
  const Pooled y{empty_like_nhwc(x, sizes, at::kBFloat16),
                 keeps_winners ? empty_like_nhwc(x, sizes, at::kByte) : at::Tensor()};
  const winograd::PooledOutput output{write<bf16>(y.values), write<uint8_t>(y.winners)};
  share_tiles<kSide>(shape, winograd::pooled_tile_count<kSide>(shape),
                     [&](int64_t begin, int64_t end, void* scratch) {
                       winograd::convolve_and_pool<kSide>(shape, read<bf16>(x), read<bf16>(packed), output,
                                                          scratch, begin, end);
                     });
  return y;
}

Pooled convolve_and_pool(const at::Tensor& x, const at::Tensor& weight, bool keeps_winners) {
  const auto shape = shape_of(x, weight);
  return with_side_for_pooled(
      shape, [&](auto side) { return convolve_and_pool<side>(shape, x, weight, keeps_winners); });
}

// compute(side, packed weights, x's gradient, scratch, begin, end): for a part of the tiles.
template <class Compute>
at::Tensor backward_data(const ConvShape& shape, const at::Tensor& x, const at::Tensor& weight,
                         const Compute& compute) {
  return with_side_for(shape, [&](auto side) {
    const auto packed = packed_weights<side>(weight, Direction::kBackward, at::kBFloat16);
    const auto x_gradient = empty_like_nhwc(x, x.sizes(), at::kBFloat16);
    share_tiles<side>(shape, winograd::tile_count<side>(shape),
                      [&](int64_t begin, int64_t end, void* scratch) {
                        compute(side, read<bf16>(packed), write<bf16>(x_gradient), scratch, begin, end);
                      });
    return x_gradient;
  });
}

// `gradient`: a pointer, or a winograd::PooledGradient.
template <int kSide, class Gradient>
at::Tensor backward_weight(const ConvShape& shape, const Gradient& gradient, const at::Tensor& x,
                           int64_t pairs) {
  return share_pair_sums(
      shape,
      {.pairs = pairs,
       .planes = winograd::kProducts<kSide>,
       .scratch_bytes = winograd::gather_scratch<kSide>(shape)},
      [&](auto... part) { winograd::gather_weight_gradient<kSide>(shape, read<bf16>(x), gradient, part...); },
      [&](auto... sums) { winograd::finish_weight_gradient<kSide>(shape, sums...); });
}

at::Tensor backward_weight(const ConvShape& shape, const bf16* gradient, const at::Tensor& x) {
  return with_side_for(shape, [&](auto side) {
    return backward_weight<side>(shape, gradient, x, winograd::pair_count<side>(shape));
  });
}

at::Tensor backward_weight(const ConvShape& shape, const winograd::PooledGradient& gradient,
                           const at::Tensor& x) {
  return with_side_for_pooled(shape, [&](auto side) {
    return backward_weight<side>(shape, gradient, x, winograd::pooled_pair_count<side>(shape));
  });
}

// Of x and the weights. `addend`: like x, added to its gradient; may be undefined.
variable_list gradients_of(const SavedConv& saved, const at::Tensor& gradient, const at::Tensor& addend) {
  const auto from = gradient.contiguous(kChannelsLast);
  const auto added = addend.defined() ? addend.contiguous(kChannelsLast) : addend;
  const auto& shape = saved.shape;
  variable_list gradients(2);
  if (saved.wants_x)
    gradients[0] =
        backward_data(shape, saved.x(), saved.weight(), [&](auto side, const bf16* packed, auto... rest) {
          winograd::backward_data<side>(shape, read<bf16>(from), packed, read<bf16>(added), rest...);
        });
  if (saved.wants_weight) gradients[1] = backward_weight(shape, read<bf16>(from), saved.x());
  return gradients;
}

class WinogradConv : public torch::autograd::Function<WinogradConv> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight) {
    context->save_for_backward({x, weight});
    return convolve(x, weight);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    return gradients_of(SavedConv(context), gradients[0], /*addend=*/{});
  }
};

class WinogradConvWithShortcut : public torch::autograd::Function<WinogradConvWithShortcut> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight) {
    context->save_for_backward({x, weight});
    return {convolve(x, weight), x.detach()};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    return gradients_of(SavedConv(context), gradients[0], gradients[1]);
  }
};

class WinogradConvMaxPool : public torch::autograd::Function<WinogradConvMaxPool> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight) {
    const auto y = convolve_and_pool(x, weight, /*keeps_winners=*/true);
    context->save_for_backward({x, weight, y.winners});
    return y.values;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const SavedConv saved(context);
    const auto& shape = saved.shape;
    const auto values = gradients[0].contiguous(kChannelsLast);
    const winograd::PooledGradient from{read<bf16>(values), read<uint8_t>(saved.tensors[2])};
    const auto backward_pixels = [&](auto side, auto... rest) {
      winograd::backward_data<side>(shape, from, rest...);
    };
    return {saved.wants_x ? backward_data(shape, saved.x(), saved.weight(), backward_pixels) : at::Tensor(),
            saved.wants_weight ? backward_weight(shape, from, saved.x()) : at::Tensor()};
  }
};

}  // namespace

at::Tensor winograd_conv3x3(const at::Tensor& x, const at::Tensor& weight) {
  const auto dense = x.contiguous(kChannelsLast);
  if (is_learned(x, weight)) return WinogradConv::apply(dense, weight);
  return convolve(dense, weight);
}

WithShortcut winograd_conv3x3_with_shortcut(const at::Tensor& x, const at::Tensor& weight) {
  if (!is_learned(x, weight)) return {winograd_conv3x3(x, weight), x};
  const auto both = WinogradConvWithShortcut::apply(x.contiguous(kChannelsLast), weight);
  return {both[0], both[1]};
}

at::Tensor winograd_conv3x3_max_pool(const at::Tensor& x, const at::Tensor& weight) {
  const auto dense = x.contiguous(kChannelsLast);
  if (is_learned(x, weight)) return WinogradConvMaxPool::apply(dense, weight);
  return convolve_and_pool(dense, weight, /*keeps_winners=*/false).values;
}

}  // namespace cifar10::kernels
