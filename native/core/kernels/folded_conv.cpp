#include "kernels/folded_conv.h"

#include "kernels/choice.h"
#include "kernels/packed_weights.h"
#include "kernels/share.h"
#include "kernels/tensor_memory.h"
#include "kernels/winograd.h"
#include "torch_api.h"

namespace cifar10::kernels {
namespace {

#if CIFAR10_HAS_AVX512_KERNELS

// Calls work(part) for parts that cover all tiles and channels, each on a thread. Where there are few tiles,
// threads share the channels: each then transforms the same input, and reads weights of its own.
template <class Value, class Work>
void share_parts(int64_t tiles, int64_t channels, const Work& work) {
  constexpr int64_t kBlocksOfThread = 4;
  const int64_t threads = at::get_num_threads(), width = kPanel<Value>;
  const int64_t blocks = (tiles + winograd::kBlock<Value> - 1) / winograd::kBlock<Value>;
  const int64_t panels = (channels + width - 1) / width;
  if (threads == 1 || panels < threads || blocks >= kBlocksOfThread * threads)
    return share(tiles, winograd::kBlock<Value>,
                 [&] { return [&, run = work()](int64_t begin, int64_t end) { run(Part{begin, end}); }; });
  share(panels, (panels + threads - 1) / threads, [&] {
    return [&, run = work()](int64_t begin, int64_t end) { run(Part{0, tiles, begin * width, end * width}); };
  });
}

template <class Value>
void infer(const ConvShape& shape, const at::Tensor& x, const winograd::Folded<Value>& layer, bool pools,
           const at::Tensor& y) {
  const int64_t tiles = pools ? winograd::pooled_tile_count(shape) : winograd::tile_count(shape);
  share_parts<Value>(tiles, shape.out, [&] {
    const auto scratch = at::empty({winograd::convolve_scratch<Value>(shape)}, at::kByte);
    return [&, scratch](const Part& part) {
      winograd::infer(shape, read<Value>(x), layer, write<Value>(y), pools, scratch.data_ptr(), part);
    };
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
    : in_(weight.size(1)), out_(weight.size(0)) {
  TORCH_CHECK(norm.weight.numel() == out_, "FoldedConv: expected a norm of ", out_, " channels, found ",
              norm.weight.numel());
#if CIFAR10_HAS_AVX512_KERNELS
  packed_ = packed_weights(weight, winograd::Direction::kForward, dtype);
#endif
  scale_ = norm.weight.detach() * norm.running_var.add(norm.epsilon).rsqrt();
  offset_ = at::addcmul(norm.bias.detach(), norm.running_mean, scale_, -1);
}

at::Tensor FoldedConv::operator()(const at::Tensor& x, const at::Tensor& residual, Activation activation,
                                  bool pools) const {
#if CIFAR10_HAS_AVX512_KERNELS
  TORCH_CHECK(x.size(1) == in_, "FoldedConv: expected [B,", in_, ",H,W], found ", x.sizes());
  const ConvShape shape{x.size(0), x.size(2), x.size(3), in_, out_};
  const int64_t stride = pools ? 2 : 1;
  const auto y = at::empty({shape.images, out_, shape.height / stride, shape.width / stride}, x.options(),
                           kChannelsLast);
  TORCH_CHECK(!residual.defined() || (!pools && residual.sizes() == y.sizes()),
              "FoldedConv: expected a residual ", y.sizes(), " and no pooling, found ", residual.sizes());
  const auto dense = x.contiguous(kChannelsLast);
  const auto other = residual.defined() ? residual.contiguous(kChannelsLast) : residual;
  const auto *const scale = read<float>(scale_), *const offset = read<float>(offset_);
  if (dtype() == at::kBFloat16)
    infer<bf16>(shape, dense, {read<bf16>(packed_), scale, offset, read<bf16>(other), activation}, pools, y);
  else
    infer<float>(shape, dense, {read<float>(packed_), scale, offset, read<float>(other), activation}, pools,
                 y);
  return y;
#else
  (void)x, (void)residual, (void)activation, (void)pools;
  TORCH_CHECK(false, "FoldedConv: not built for this processor");
#endif
}

}  // namespace cifar10::kernels
