// Owns random changes of brightness, contrast, saturation and hue. Factors are drawn on the CPU from the
// generator given; the changes are tensor operations on the images' device.
#pragma once

#include <ATen/core/Tensor.h>

#include "data/data_options.h"

namespace cifar10 {

// float32 [N] each; undefined where nothing is changed.
struct ColorFactors {
  at::Tensor brightness;  // 1 leaves an image as it is
  at::Tensor contrast;
  at::Tensor saturation;
  at::Tensor hue;  // turns of the colour circle, −0.5 to 0.5; 0 leaves an image as it is

  bool any() const;
  ColorFactors to(at::Device device) const;
  ColorFactors narrow(int64_t begin, int64_t count) const;
};

// Factors uniform in [max(0, 1 − x), 1 + x], the turn of the hue in [−x, x], each image its own.
ColorFactors draw_color_factors(const ColorJitterOptions& options, int64_t count, at::Generator& generator);

// images: float32 [B,3,32,32], 0 to 1 -> the same, channels-last. The arithmetic of
// torchvision.transforms.ColorJitter on float images (adjust_brightness, adjust_contrast, adjust_saturation,
// adjust_hue). Deviation: always in this order, where torchvision draws the order for each image.
at::Tensor adjust_color(at::Tensor images, const ColorFactors& factors);

}  // namespace cifar10
