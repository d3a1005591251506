#include "data/auto_augment.h"

#include <cmath>
#include <type_traits>
#include <variant>

#include "data/dataset.h"
#include "data/policy_operations.h"
#include "torch_api.h"

namespace cifar10 {
namespace {

constexpr int64_t kStrongest = kMagnitudes - 1;

// torch.linspace in float32, from both ends to the middle, as in torchvision: 16 pixels come out a little
// smaller, and 15 whole ones are left of them. Written out with one rounding a value, because at::linspace
// rounds by processor.
at::Tensor evenly(float first, float last) {
  const float step = (last - first) / static_cast<float>(kStrongest);
  const auto values = torch::empty({kMagnitudes}, torch::kFloat64);
  auto* value = values.mutable_data_ptr<double>();
  for (int64_t i = 0; i < kMagnitudes; ++i) {
    const auto steps_left = static_cast<float>(kStrongest - i);
    value[i] =
        2 * i < kStrongest ? std::fma(step, static_cast<float>(i), first) : std::fma(-step, steps_left, last);
  }
  return values;
}

// Bits that are kept: 8 and fewer, `most_removed` fewer at the end.
at::Tensor posterize_bits(int64_t most_removed) {
  const double steps_per_bit = static_cast<double>(kStrongest) / static_cast<double>(most_removed);
  return 8 - torch::arange(kMagnitudes, torch::kFloat64).div(steps_per_bit).round();
}

// Whether an operation can go either way: shear, translate, rotate, brightness, colour, contrast, sharpness.
at::Tensor has_sign(const at::Tensor& operation) {
  return operation.ge(static_cast<int64_t>(Operation::kShearX))
      .logical_and(operation.le(static_cast<int64_t>(Operation::kSharpness)));
}

PolicyChoices choose(const at::Tensor& operation, const at::Tensor& strength, const at::Tensor& table,
                     at::Generator& generator) {
  const auto magnitude = table.index({operation, strength});
  const auto coin = torch::randint(0, 2, operation.sizes(), generator, torch::kInt64).to(torch::kBool);
  return {operation, torch::where(coin.logical_and(has_sign(operation)), magnitude.neg(), magnitude)};
}

}  // namespace

at::Tensor magnitude_table(bool wide) {
  const auto shear = evenly(0, wide ? 0.99F : 0.3F);
  const auto shift = evenly(0, wide ? 32 : 150.0F / 331.0F * kImageSize);
  const auto turn = evenly(0, wide ? 135 : 30);
  const auto factor = evenly(0, wide ? 0.99F : 0.9F);
  const auto bits = posterize_bits(wide ? 6 : 4);
  const auto threshold = evenly(255, 0);
  const auto none = torch::zeros_like(shear);
  return torch::stack(
      {none, shear, shear, shift, shift, turn, factor, factor, factor, factor, bits, threshold, none, none});
}

PolicyChoices draw_policy(const PolicyOptions& options, int64_t count, at::Generator& generator) {
  const auto draw = [&](int64_t bound, int64_t operations) {
    return torch::randint(0, bound, {count, operations}, generator, torch::kInt64);
  };
  if (const auto* rand_augment = std::get_if<RandAugmentOptions>(&options)) {
    const auto operation = draw(kOperations, rand_augment->operations);
    const auto strength = torch::full_like(operation, rand_augment->magnitude);
    return choose(operation, strength, magnitude_table(/*wide=*/false), generator);
  }
  if (std::holds_alternative<TrivialAugmentOptions>(options)) {
    const auto operation = draw(kOperations, 1);
    const auto strength = draw(kMagnitudes, 1);
    return choose(operation, strength, magnitude_table(/*wide=*/true), generator);
  }
  return {};
}

at::Tensor apply_policy(at::Tensor images, const PolicyChoices& choices) {
  for (int64_t turn = 0; turn < choices.operation.size(1); ++turn) {
    const auto chosen = choices.operation.select(1, turn);
    const auto magnitude = choices.magnitude.select(1, turn);
    for (int64_t operation = 1; operation < kOperations; ++operation) {
      const auto rows = chosen.eq(operation).nonzero().squeeze(1);
      if (rows.size(0) == 0) continue;
      const auto on_device = rows.to(images.device());
      const auto changed =
          apply_operation(static_cast<Operation>(operation), images.index_select(0, on_device),
                          magnitude.index_select(0, rows).to(images.device()));
      images.index_copy_(0, on_device, changed);
    }
  }
  return images;
}

}  // namespace cifar10
