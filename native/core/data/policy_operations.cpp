#include "data/policy_operations.h"

#include <cmath>
#include <numbers>
#include <stdexcept>

#include "data/augment.h"
#include "data/dataset.h"
#include "torch_api.h"

namespace cifar10 {
namespace {

constexpr int64_t kPixels = kImageSize * kImageSize;

// To Pillow's fixed point: 16 bits behind the point, rounded.
at::Tensor to_fixed(const at::Tensor& values) {
  return values.mul(65536).add(0.5).floor().to(torch::kInt64).view({-1, 1, 1});
}

// The pixel (x, y) of the result is the one of the input at (a·x + b·y + c, d·x + e·y + f), coordinates of
// pixel centres; all float64 [B]. Image.transform(AFFINE, NEAREST) of Pillow.
at::Tensor transform(const at::Tensor& images, const at::Tensor& a, const at::Tensor& b, const at::Tensor& c,
                     const at::Tensor& d, const at::Tensor& e, const at::Tensor& f) {
  const auto pixel = torch::arange(kImageSize, images.options().dtype(torch::kInt64));
  const auto x = pixel.view({1, 1, -1}), y = pixel.view({1, -1, 1});
  const auto source = [&](const at::Tensor& by_x, const at::Tensor& by_y, const at::Tensor& offset) {
    const auto start = offset + by_x * 0.5 + by_y * 0.5;
    return (to_fixed(start) + x * to_fixed(by_x) + y * to_fixed(by_y)).bitwise_right_shift(16);  // [B,32,32]
  };
  const auto from_x = source(a, b, c), from_y = source(d, e, f);
  const auto is_inside = [](const at::Tensor& position) {
    return position.ge(0).logical_and(position.lt(kImageSize));
  };
  const auto inside = is_inside(from_x).logical_and(is_inside(from_y)).unsqueeze(3);
  const auto image = torch::arange(images.size(0), pixel.options()).view({-1, 1, 1});
  const auto last = kImageSize - 1;
  const auto pixels =
      images.permute({0, 2, 3, 1}).index({image, from_y.clamp(0, last), from_x.clamp(0, last)});
  return pixels.mul(inside).permute({0, 3, 1, 2});
}

at::Tensor shear_x(const at::Tensor& images, const at::Tensor& slope) {
  const auto zero = torch::zeros_like(slope), one = torch::ones_like(slope);
  return transform(images, one, slope, zero, zero, one, zero);
}

at::Tensor shear_y(const at::Tensor& images, const at::Tensor& slope) {
  const auto zero = torch::zeros_like(slope), one = torch::ones_like(slope);
  return transform(images, one, zero, zero, slope, one, zero);
}

at::Tensor translate(const at::Tensor& images, const at::Tensor& right, const at::Tensor& down) {
  const auto zero = torch::zeros_like(right), one = torch::ones_like(right);
  return transform(images, one, zero, right.trunc().neg(), zero, one, down.trunc().neg());
}

// About the point between the four pixels in the middle.
at::Tensor rotate(const at::Tensor& images, const at::Tensor& degrees) {
  const auto angle = degrees.mul(std::numbers::pi / 180);
  const auto cosine = angle.cos(), sine = angle.sin();
  const double centre = kImageSize / 2.0;
  const auto offset_x = centre - cosine * centre + sine * centre;
  const auto offset_y = centre - sine * centre - cosine * centre;
  return transform(images, cosine, sine.neg(), offset_x, sine, cosine, offset_y);
}

// Interpolates from `base` (uint8 or whole float32) to the image, or beyond it; cut off, not rounded.
at::Tensor blend_bytes(const at::Tensor& base, const at::Tensor& images, const at::Tensor& magnitude) {
  const auto from = base.to(torch::kFloat32);
  const auto factor = per_image(magnitude.add(1).to(torch::kFloat32));
  // Two operations, not one fused: the sum of a fused one would be rounded differently.
  const auto change = (images.to(torch::kFloat32) - from).mul_(factor);
  return (from + change).clamp_(0, 255).to(torch::kUInt8);
}

// Luma of ITU-R BT.601 in fixed point. uint8 [B,1,32,32]
at::Tensor to_gray_byte(const at::Tensor& images) {
  const auto channel = [&](int64_t index) { return images.narrow(1, index, 1).to(torch::kInt32); };
  const auto sum = channel(0).mul(19595) + channel(1).mul(38470) + channel(2).mul(7471) + 0x8000;
  return sum.bitwise_right_shift(16).to(torch::kUInt8);
}

at::Tensor mean_gray_byte(const at::Tensor& images) {
  return to_gray_byte(images).to(torch::kFloat64).mean({1, 2, 3}, /*keepdim=*/true).add_(0.5).floor_();
}

// Pillow's filter SMOOTH: the mean of 3x3 pixels, the middle one counted five times, rounded; the border
// stays.
at::Tensor smooth(const at::Tensor& images) {
  const int64_t inner = kImageSize - 2;
  const auto wide = images.to(torch::kInt32);
  const auto window = [&](int64_t y, int64_t x) { return wide.narrow(2, y, inner).narrow(3, x, inner); };
  auto sum = window(1, 1).mul(4);
  for (int64_t y = 0; y < 3; ++y)
    for (int64_t x = 0; x < 3; ++x) sum = sum.add_(window(y, x));
  const auto mean = sum.mul_(2).add_(13).floor_divide(26);
  auto result = images.clone();
  result.narrow(2, 1, inner).narrow(3, 1, inner).copy_(mean);
  return result;
}

at::Tensor posterize(const at::Tensor& images, const at::Tensor& bits) {
  const auto mask = 256 - torch::exp2(8 - bits.trunc());
  return images.bitwise_and(per_image(mask).to(torch::kUInt8));
}

at::Tensor solarize(const at::Tensor& images, const at::Tensor& threshold) {
  return torch::where(images.to(torch::kFloat64).ge(per_image(threshold)), 255 - images, images);
}

// Stretches each channel to 0–255; one of a single value stays.
at::Tensor auto_contrast(const at::Tensor& images) {
  const auto pixels = images.to(torch::kFloat64);
  const auto lowest = pixels.amin({2, 3}, /*keepdim=*/true);
  const auto range = pixels.amax({2, 3}, /*keepdim=*/true) - lowest;
  const auto is_flat = range.eq(0);
  const auto scale = 255 / range.masked_fill(is_flat, 1);
  const auto stretched = pixels.mul(scale).add_(lowest.neg().mul(scale)).clamp_(0, 255).to(torch::kUInt8);
  return torch::where(is_flat, images, stretched);
}

// Makes the histogram of each channel flat; one whose commonest highest value leaves no step stays.
at::Tensor equalize(const at::Tensor& images) {
  const auto pixels = images.reshape({-1, kPixels}).to(torch::kInt64);  // [B·3,1024]
  const auto histogram =
      torch::zeros({pixels.size(0), 256}, pixels.options()).scatter_add_(1, pixels, torch::ones_like(pixels));
  const auto highest = histogram.gather(1, pixels.amax(1, /*keepdim=*/true));
  const auto step = (kPixels - highest).floor_divide(255);  // [B·3,1]
  const auto below = histogram.cumsum(1) - histogram;
  const auto table = (below + step.floor_divide(2)).floor_divide(step.clamp_min(1)).clamp_max_(255);
  const auto result = torch::where(step.eq(0), pixels, table.gather(1, pixels));
  return result.to(torch::kUInt8).view(images.sizes()).contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace

at::Tensor apply_operation(Operation operation, const at::Tensor& images, const at::Tensor& magnitude) {
  switch (operation) {
    case Operation::kIdentity:
      return images;
    case Operation::kShearX:
      return shear_x(images, magnitude);
    case Operation::kShearY:
      return shear_y(images, magnitude);
    case Operation::kTranslateX:
      return translate(images, magnitude, torch::zeros_like(magnitude));
    case Operation::kTranslateY:
      return translate(images, torch::zeros_like(magnitude), magnitude);
    case Operation::kRotate:
      return rotate(images, magnitude);
    case Operation::kBrightness:
      return blend_bytes(torch::zeros_like(images), images, magnitude);
    case Operation::kColor:
      return blend_bytes(to_gray_byte(images), images, magnitude);
    case Operation::kContrast:
      return blend_bytes(mean_gray_byte(images), images, magnitude);
    case Operation::kSharpness:
      return blend_bytes(smooth(images), images, magnitude);
    case Operation::kPosterize:
      return posterize(images, magnitude);
    case Operation::kSolarize:
      return solarize(images, magnitude);
    case Operation::kAutoContrast:
      return auto_contrast(images);
    case Operation::kEqualize:
      return equalize(images);
  }
  throw std::logic_error("unreachable: unknown operation");
}

}  // namespace cifar10
