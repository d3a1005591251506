#include "data/color.h"

#include <algorithm>

#include "data/augment.h"
#include "torch_api.h"

namespace cifar10 {
namespace {

// Interpolates, or extrapolates for factors above 1.
at::Tensor blend(const at::Tensor& images, const at::Tensor& base, const at::Tensor& factor) {
  return images.mul(per_image(factor)).add(base.mul(1 - per_image(factor))).clamp_(0, 1);
}

// Luma of ITU-R BT.601 with torchvision's rounding of the weights. [B,1,32,32]
at::Tensor to_gray(const at::Tensor& images) {
  const auto channel = [&](int64_t index) { return images.narrow(1, index, 1); };
  return channel(0).mul(0.2989).add(channel(1).mul(0.587)).add(channel(2).mul(0.114));
}

// Hue in turns, 0 to 1; 0 where all channels are the same. [B,1,32,32]
at::Tensor hue_of(const at::Tensor& images, const at::Tensor& highest, const at::Tensor& range) {
  const auto red = images.narrow(1, 0, 1), green = images.narrow(1, 1, 1), blue = images.narrow(1, 2, 1);
  const auto divisor = range.masked_fill(range.eq(0), 1);
  const auto from_red = (green - blue).div_(divisor);
  const auto from_green = (blue - red).div_(divisor).add_(2);
  const auto from_blue = (red - green).div_(divisor).add_(4);
  const auto sector = torch::where(red.eq(highest), from_red,
                                   torch::where(green.eq(highest), from_green, from_blue));  // −1 to 5
  return sector.div(6).remainder(1);
}

// Turns the hue, with saturation and value of the HSV model kept.
at::Tensor turn_hue(const at::Tensor& images, const at::Tensor& turn) {
  const auto value = images.amax(1, /*keepdim=*/true);
  const auto range = value - images.amin(1, /*keepdim=*/true);  // value · saturation
  const auto hue = hue_of(images, value, range).add_(per_image(turn)).remainder(1);
  // Each channel falls from the value by the range where the hue is far from its own.
  const auto channel = [&](double position) {
    const auto k = hue.mul(6).add(position).remainder(6);
    return value - range * torch::minimum(k, 4 - k).clamp(0, 1);
  };
  return torch::cat({channel(5), channel(3), channel(1)}, 1).contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace

bool ColorFactors::any() const {
  return brightness.defined() || contrast.defined() || saturation.defined() || hue.defined();
}

ColorFactors ColorFactors::to(at::Device device) const {
  const auto move = [&](const at::Tensor& values) { return values.defined() ? values.to(device) : values; };
  return {move(brightness), move(contrast), move(saturation), move(hue)};
}

ColorFactors ColorFactors::narrow(int64_t begin, int64_t count) const {
  const auto part = [&](const at::Tensor& values) {
    return values.defined() ? values.narrow(0, begin, count) : values;
  };
  return {part(brightness), part(contrast), part(saturation), part(hue)};
}

ColorFactors draw_color_factors(const ColorJitterOptions& options, int64_t count, at::Generator& generator) {
  const auto uniform = [&](double strength, double low, double high) {
    if (strength == 0) return at::Tensor();
    return torch::rand({count}, generator, torch::kFloat32).mul(high - low).add(low);
  };
  const auto factor = [&](double strength) {
    return uniform(strength, std::max(0.0, 1 - strength), 1 + strength);
  };
  ColorFactors factors;
  factors.brightness = factor(options.brightness);
  factors.contrast = factor(options.contrast);
  factors.saturation = factor(options.saturation);
  factors.hue = uniform(options.hue, -options.hue, options.hue);
  return factors;
}

at::Tensor adjust_color(at::Tensor images, const ColorFactors& factors) {
  if (factors.brightness.defined()) images = images.mul(per_image(factors.brightness)).clamp_(0, 1);
  if (factors.contrast.defined())
    images = blend(images, to_gray(images).mean({1, 2, 3}, /*keepdim=*/true), factors.contrast);
  if (factors.saturation.defined()) images = blend(images, to_gray(images), factors.saturation);
  if (factors.hue.defined()) images = turn_hue(images, factors.hue);
  return images;
}

}  // namespace cifar10
