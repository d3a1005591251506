#include "data/mix.h"

#include <algorithm>
#include <cmath>

#include "data/dataset.h"
#include "data/erase.h"
#include "torch_api.h"

namespace cifar10 {
namespace {

int64_t random_below(int64_t bound, at::Generator& generator) {
  return torch::randint(0, bound, {}, generator, torch::kInt64).item<int64_t>();
}

// X / (X + Y) for X, Y ~ Gamma(alpha).
double draw_beta(double alpha, at::Generator& generator) {
  const auto gammas = at::_standard_gamma(torch::full({2}, alpha, torch::kFloat64), generator);
  return (gammas[0] / gammas.sum()).item<double>();
}

// The part of the box that lies inside the image.
at::Tensor draw_box(double lambda, at::Generator& generator) {
  const auto half = static_cast<int64_t>(0.5 * std::sqrt(1 - lambda) * kImageSize);
  const int64_t y = random_below(kImageSize, generator);
  const int64_t x = random_below(kImageSize, generator);
  const int64_t top = std::max<int64_t>(y - half, 0), left = std::max<int64_t>(x - half, 0);
  const int64_t bottom = std::min(y + half, kImageSize), right = std::min(x + half, kImageSize);
  return torch::tensor({top, left, bottom - top, right - left}, torch::kInt64).view({1, 4});
}

}  // namespace

Mix draw_mix(const MixOptions& options, int64_t count, at::Generator& generator) {
  const bool has_both = options.mixup_alpha > 0 && options.cutmix_alpha > 0;
  const bool cuts = has_both ? random_below(2, generator) == 1 : options.cutmix_alpha > 0;
  Mix mix{.lambda = draw_beta(cuts ? options.cutmix_alpha : options.mixup_alpha, generator),
          .partner = torch::randperm(count, generator, torch::kInt64),
          .box = {}};
  if (!cuts) return mix;
  mix.box = draw_box(mix.lambda, generator);
  const auto area = mix.box[0][2] * mix.box[0][3];
  mix.lambda = 1 - area.item<double>() / static_cast<double>(kImageSize * kImageSize);
  return mix;
}

at::Tensor mix_images(const at::Tensor& images, const Mix& mix) {
  const auto others = images.index_select(0, mix.partner.to(images.device()));
  if (mix.box.defined()) return torch::where(box_mask(mix.box.to(images.device())), others, images);
  return images.mul(mix.lambda).add_(others.mul(1 - mix.lambda));
}

at::Tensor mix_labels(const at::Tensor& labels, const Mix& mix) {
  const auto own = torch::one_hot(labels, kClasses).to(torch::kFloat32);
  return own.mul(mix.lambda).add_(own.index_select(0, mix.partner.to(labels.device())).mul(1 - mix.lambda));
}

}  // namespace cifar10
