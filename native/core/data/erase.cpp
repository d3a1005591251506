#include "data/erase.h"

#include <cmath>

#include "data/dataset.h"
#include "torch_api.h"

namespace cifar10 {
namespace {

constexpr int64_t kAttempts = 10;

// Whole numbers from 0 to `bound` − 1, uniform; bound: float64 [N], above 0.
at::Tensor uniform_below(const at::Tensor& bound, at::Generator& generator) {
  return torch::rand(bound.sizes(), generator, bound.options()).mul(bound).floor();
}

}  // namespace

at::Tensor draw_cutout(const CutoutOptions& options, int64_t count, at::Generator& generator) {
  const int64_t places = options.clipped ? kImageSize : kImageSize - options.size + 1;
  auto corner = torch::randint(0, places, {count, 2}, generator, torch::kInt64);
  if (options.clipped) corner = corner - options.size / 2;  // it was the centre
  return torch::cat({corner, torch::full({count, 2}, options.size, torch::kInt64)}, 1);
}

at::Tensor draw_random_erasing(const RandomErasingOptions& options, int64_t count, at::Generator& generator) {
  const auto uniform = [&](double low, double high) {
    return torch::rand({count, kAttempts}, generator, torch::kFloat64).mul(high - low).add(low);
  };
  const auto is_chosen = torch::rand({count}, generator, torch::kFloat64).lt(options.probability);
  const auto area = uniform(options.min_area, options.max_area).mul(kImageSize * kImageSize);
  const auto ratio = uniform(std::log(options.min_ratio), std::log(options.max_ratio)).exp();
  const auto heights = area.mul(ratio).sqrt().round();  // [N,10]
  const auto widths = area.div(ratio).sqrt().round();
  const auto fits = heights.lt(kImageSize).logical_and(widths.lt(kImageSize));
  const auto first = fits.to(torch::kInt64).argmax(1, /*keepdim=*/true);  // [N,1]
  const auto is_erased = is_chosen.logical_and(fits.any(1));
  const auto height = heights.gather(1, first).squeeze(1).mul(is_erased);
  const auto width = widths.gather(1, first).squeeze(1).mul(is_erased);
  const auto top = uniform_below(kImageSize + 1 - height, generator);
  const auto left = uniform_below(kImageSize + 1 - width, generator);
  return torch::stack({top, left, height, width}, 1).to(torch::kInt64);
}

at::Tensor box_mask(const at::Tensor& boxes) {
  const auto position = torch::arange(kImageSize, boxes.options());  // [32]
  const auto inside = [&](int64_t axis) {
    const auto begin = boxes.narrow(1, axis, 1);                                               // [B,1]
    return position.ge(begin).logical_and(position.lt(begin + boxes.narrow(1, axis + 2, 1)));  // [B,32]
  };
  return inside(0).view({-1, 1, kImageSize, 1}).logical_and(inside(1).view({-1, 1, 1, kImageSize}));
}

at::Tensor erase(at::Tensor images, const at::Tensor& boxes) {
  return images.masked_fill_(box_mask(boxes), 0);
}

}  // namespace cifar10
