#include "kernels/folded_conv.h"

#include "kernels/choice.h"
#include "kernels/conv_operator.h"
#include "kernels/packed_weights.h"
#include "kernels/share.h"
#include "kernels/tensor_memory.h"
#include "kernels/winograd_side.h"
#include "torch_api.h"

namespace cifar10::kernels {
namespace {

#if CIFAR10_HAS_AVX512_KERNELS

// Calls work(part) for parts that cover all tiles and channels, each on a thread. Where there are few tiles,
// threads share the channels: each then transforms the same input, and reads weights of its own.
template <int kSide, class Value, class Work>
void share_parts(int64_t tiles, int64_t channels, const Work& work) {
  constexpr int64_t kBlocksOfThread = 4, kTiles = winograd::kBlock<kSide>, kWidth = kPanel<Value>;
  const int64_t threads = at::get_num_threads();
  const int64_t blocks = (tiles + kTiles - 1) / kTiles, panels = (channels + kWidth - 1) / kWidth;
  if (threads == 1 || panels < threads || blocks >= kBlocksOfThread * threads)
    return share(tiles, kTiles,
                 [&] { return [&, run = work()](int64_t begin, int64_t end) { run(Part{begin, end}); }; });
  share(panels, (panels + threads - 1) / threads, [&] {
    return
        [&, run = work()](int64_t begin, int64_t end) { run(Part{0, tiles, begin * kWidth, end * kWidth}); };
  });
}

#endif

}  // namespace

bool FoldedConv::suits(const at::Tensor& x, const at::Tensor& weight) {
#if CIFAR10_HAS_AVX512_KERNELS
  const bool is_known = x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16;
  return !at::GradMode::is_enabled() && x.is_cpu() && is_known && x.size(0) > 0 && x.size(2) > 1 &&
         x.size(3) > 1 && weight.size(1) % 8 == 0 && weight.size(0) % 16 == 0 &&
         uses_own_kernels(x.scalar_type(), /*is_worthwhile=*/true);
#else
  (void)x, (void)weight;
  return false;
#endif
}

FoldedConv::FoldedConv(const at::Tensor& weight, const BatchNormState& norm, at::ScalarType dtype)
    : weight_(weight.detach()), dtype_(dtype) {
  TORCH_CHECK(norm.weight.numel() == weight.size(0), "FoldedConv: expected a norm of ", weight.size(0),
              " channels, found ", norm.weight.numel());
  scale_ = norm.weight.detach() * norm.running_var.add(norm.epsilon).rsqrt();
  offset_ = at::addcmul(norm.bias.detach(), norm.running_mean, scale_, -1);
}

#if CIFAR10_HAS_AVX512_KERNELS

template <int kSide>
const at::Tensor& FoldedConv::packed() {
  auto& packed = kSide == 2 ? packed_by_2_ : packed_by_4_;
  if (!packed.defined()) packed = packed_weights<kSide>(weight_, winograd::Direction::kForward, dtype_);
  return packed;
}

template <int kSide, class Value>
void FoldedConv::infer(const at::Tensor& x, const at::Tensor& residual, Activation activation, bool pools,
                       const at::Tensor& y) {
  const auto shape = shape_of(x, weight_);
  const winograd::Folded<Value> layer{read<Value>(packed<kSide>()), read<float>(scale_), read<float>(offset_),
                                      read<Value>(residual), activation};
  const int64_t tiles =
      pools ? winograd::pooled_tile_count<kSide>(shape) : winograd::tile_count<kSide>(shape);
  share_parts<kSide, Value>(tiles, shape.out, [&] {
    const auto scratch = at::empty({winograd::convolve_scratch<kSide, Value>(shape)}, at::kByte);
    return [&, scratch](const Part& part) {
      winograd::infer<kSide>(shape, read<Value>(x), layer, write<Value>(y), pools, scratch.data_ptr(), part);
    };
  });
}

at::Tensor FoldedConv::operator()(const at::Tensor& x, const at::Tensor& residual, Activation activation,
                                  bool pools) {
  TORCH_CHECK(x.size(1) == weight_.size(1), "FoldedConv: expected [B,", weight_.size(1), ",H,W], found ",
              x.sizes());
  const int64_t stride = pools ? 2 : 1;
  const auto y = at::empty({x.size(0), weight_.size(0), x.size(2) / stride, x.size(3) / stride}, x.options(),
                           kChannelsLast);
  TORCH_CHECK(!residual.defined() || (!pools && residual.sizes() == y.sizes()),
              "FoldedConv: expected a residual ", y.sizes(), " and no pooling, found ", residual.sizes());
  const auto dense = x.contiguous(kChannelsLast);
  const auto added = residual.defined() ? residual.contiguous(kChannelsLast) : residual;
  const auto run = [&](auto side) {
    if (dtype_ == at::kBFloat16)
      infer<side, bf16>(dense, added, activation, pools, y);
    else
      infer<side, float>(dense, added, activation, pools, y);
  };
  const auto shape = shape_of(x, weight_);
  pools ? with_side_for_pooled(shape, run) : with_side_for(shape, run);
  return y;
}

#else

at::Tensor FoldedConv::operator()(const at::Tensor&, const at::Tensor&, Activation, bool) {
  TORCH_CHECK(false, "FoldedConv: not built for this processor");
}

#endif

}  // namespace cifar10::kernels
