#include "kernels/packed_weights.h"

#include "kernels/share.h"
#include "kernels/tensor_memory.h"
#include "torch_api.h"

namespace cifar10::kernels {

template <int kSide>
at::Tensor packed_weights(const at::Tensor& weight, winograd::Direction direction, at::ScalarType dtype) {
  constexpr int64_t kChannelsAtOnce = 16;  // whose 32-bit values lie in one cache line: for one thread
  TORCH_CHECK(dtype == at::kBFloat16 || direction == winograd::Direction::kForward,
              "packed_weights: expected bfloat16 for gradients, found ", dtype);
  const ConvShape shape{0, 0, 0, weight.size(1), weight.size(0)};
  const auto dense = weight.detach().contiguous(kChannelsLast);
  const auto* const values = dense.const_data_ptr<float>();
  const auto packed = at::empty({winograd::packed_size<kSide>(shape, direction)}, dtype);
  share(shape.out, kChannelsAtOnce, [&] {
    return [&](int64_t begin, int64_t end) {
      if (dtype == at::kBFloat16)
        winograd::pack_weights<kSide>(shape, direction, values, write<bf16>(packed), begin, end);
      else
        winograd::pack_weights<kSide>(shape, values, write<float>(packed), begin, end);
    };
  });
  return packed;
}

template at::Tensor packed_weights<2>(const at::Tensor&, winograd::Direction, at::ScalarType);
template at::Tensor packed_weights<4>(const at::Tensor&, winograd::Direction, at::ScalarType);

}  // namespace cifar10::kernels
