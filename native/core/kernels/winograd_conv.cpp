#include "kernels/winograd_conv.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "kernels/share.h"
#include "kernels/tensor_memory.h"
#include "kernels/winograd.h"
#include "torch_api.h"

namespace cifar10::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using winograd::bf16;
using winograd::Direction;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;
constexpr int64_t kLineOfFloats = 16;  // channels whose 32-bit values lie in one cache line: for one thread

winograd::Shape shape_of(const at::Tensor& x, const at::Tensor& weight) {
  return {x.size(0), x.size(2), x.size(3), weight.size(1), weight.size(0)};
}

at::Tensor empty_like_nhwc(const at::Tensor& like, at::IntArrayRef sizes, at::ScalarType dtype) {
  return at::empty(sizes, like.options().dtype(dtype), kChannelsLast);
}

at::Tensor bytes(int64_t count) { return at::empty({count}, at::kByte); }

at::Tensor pack(const winograd::Shape& shape, Direction direction, const at::Tensor& weight) {
  const auto nhwc = weight.contiguous(kChannelsLast);
  const auto packed = at::empty({winograd::packed_size(shape, direction)}, at::kBFloat16);
  share(shape.out, kLineOfFloats, [&] {
    return [&](int64_t begin, int64_t end) {
      winograd::pack_weights(shape, direction, nhwc.const_data_ptr<float>(), write<bf16>(packed), begin, end);
    };
  });
  return packed;
}

// Calls work(begin, end, scratch) for parts of `tiles`, each on a thread.
template <class Work>
void share_tiles(int64_t tiles, int64_t scratch_bytes, const Work& work) {
  share(tiles, winograd::kBlock<bf16>, [&] {
    return [&, scratch = bytes(scratch_bytes)](int64_t begin, int64_t end) {
      work(begin, end, scratch.data_ptr());
    };
  });
}

struct Convolved {
  at::Tensor values;
  at::Tensor winners;  // of pooling; undefined without it
};

// `keeps_winners`: for the gradient of pooling.
Convolved convolve(const at::Tensor& x, const at::Tensor& weight, bool pools, bool keeps_winners) {
  const auto shape = shape_of(x, weight);
  const auto packed = pack(shape, Direction::kForward, weight);
  const int64_t scratch_bytes = winograd::convolve_scratch<bf16>(shape);
  if (!pools) {
    const auto y = empty_like_nhwc(x, {shape.images, shape.out, shape.height, shape.width}, at::kBFloat16);
    share_tiles(winograd::tile_count(shape), scratch_bytes, [&](int64_t begin, int64_t end, void* scratch) {
      winograd::convolve(shape, read<bf16>(x), read<bf16>(packed), write<bf16>(y), scratch, begin, end);
    });
    return {y, {}};
  }
  const at::DimVector sizes{shape.images, shape.out, shape.height / 2, shape.width / 2};
  const Convolved y{empty_like_nhwc(x, sizes, at::kBFloat16),
                    keeps_winners ? empty_like_nhwc(x, sizes, at::kByte) : at::Tensor()};
  const winograd::PooledOutput output{write<bf16>(y.values),
                                      keeps_winners ? y.winners.mutable_data_ptr<uint8_t>() : nullptr};
  share_tiles(
      winograd::pooled_tile_count(shape), scratch_bytes, [&](int64_t begin, int64_t end, void* scratch) {
        winograd::convolve_and_pool(shape, read<bf16>(x), read<bf16>(packed), output, scratch, begin, end);
      });
  return y;
}

// `gradient`: a pointer, or a winograd::PooledGradient.
template <class Gradient>
at::Tensor backward_data(const winograd::Shape& shape, const Gradient& gradient, const at::Tensor& x,
                         const at::Tensor& weight) {
  const auto packed = pack(shape, Direction::kBackward, weight);
  const auto x_gradient = empty_like_nhwc(x, x.sizes(), at::kBFloat16);
  share_tiles(winograd::tile_count(shape), winograd::convolve_scratch<bf16>(shape),
              [&](int64_t begin, int64_t end, void* scratch) {
                winograd::backward_data(shape, gradient, read<bf16>(packed), write<bf16>(x_gradient), scratch,
                                        begin, end);
              });
  return x_gradient;
}

// A sum of its own for each part, so that the result depends on the number of threads only, not on their
// order.
template <class Gradient>
at::Tensor backward_weight(const winograd::Shape& shape, const Gradient& gradient, const at::Tensor& x,
                           int64_t pairs) {
  constexpr int64_t kPairsOfPart = 64;  // fewer are not worth sums of their own
  const int64_t parts = std::clamp<int64_t>(pairs / kPairsOfPart, 1, at::get_num_threads());
  const auto sums = at::empty({parts, 16, shape.in, shape.out}, at::kFloat);
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    const auto scratch = bytes(winograd::gather_scratch(shape));
    for (int64_t part = begin; part < end; ++part) {
      const auto own = sums.select(0, part).zero_();
      winograd::gather_weight_gradient(shape, read<bf16>(x), gradient, own.template mutable_data_ptr<float>(),
                                       scratch.data_ptr(), pairs * part / parts, pairs * (part + 1) / parts);
    }
  });
  const auto weight_gradient =
      at::empty({shape.out, shape.in, 3, 3}, at::TensorOptions(at::kFloat).memory_format(kChannelsLast));
  share(shape.in, kLineOfFloats, [&] {
    return [&](int64_t begin, int64_t end) {
      winograd::finish_weight_gradient(shape, sums.const_data_ptr<float>(), parts,
                                       weight_gradient.mutable_data_ptr<float>(), begin, end);
    };
  });
  return weight_gradient;
}

class WinogradConv : public torch::autograd::Function<WinogradConv> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            bool pools) {
    const auto y = convolve(x, weight, pools, /*keeps_winners=*/true);
    context->save_for_backward({x, weight, y.winners});
    return y.values;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    TORCH_CHECK(!at::GradMode::is_enabled(), "conv3x3 has no second derivative");
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1], &winners = saved[2];
    const auto shape = shape_of(x, weight);
    const auto gradient = gradients[0].contiguous(kChannelsLast);
    const auto of = [&](const auto& source, int64_t pairs) -> variable_list {
      return {context->needs_input_grad(0) ? backward_data(shape, source, x, weight) : at::Tensor(),
              context->needs_input_grad(1) ? backward_weight(shape, source, x, pairs) : at::Tensor(),
              at::Tensor()};
    };
    if (!winners.defined()) return of(read<bf16>(gradient), winograd::pair_count(shape));
    return of(winograd::PooledGradient{read<bf16>(gradient), winners.const_data_ptr<uint8_t>()},
              winograd::pooled_pair_count(shape));
  }
};

}  // namespace

at::Tensor winograd_conv3x3(const at::Tensor& x, const at::Tensor& weight, bool pools) {
  const auto dense = x.contiguous(kChannelsLast);
  const bool is_learned = at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  return is_learned ? WinogradConv::apply(dense, weight, pools)
                    : convolve(dense, weight, pools, /*keeps_winners=*/false).values;
}

}  // namespace cifar10::kernels
