// Owns the fourteen operations that RandAugment and TrivialAugment choose from, each on a batch of its own.
// The results are those of Pillow's ImageOps, ImageEnhance and Image.transform, bit for bit, as far as
// test/golden reaches: by these the policies were found, and torchvision uses them for images that are not
// tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace cifar10 {

// In the order of torchvision's tables.
enum class Operation : int64_t {
  kIdentity,
  kShearX,
  kShearY,
  kTranslateX,
  kTranslateY,
  kRotate,
  kBrightness,
  kColor,
  kContrast,
  kSharpness,
  kPosterize,
  kSolarize,
  kAutoContrast,
  kEqualize,
};
inline constexpr int64_t kOperations = 14;

// images: uint8 [B,3,32,32], magnitude: float64 [B] on the same device -> uint8 [B,3,32,32].
// What the magnitude is: shear: pixels per pixel; translate: pixels, cut to whole ones, right or down;
// rotate: degrees, counterclockwise; brightness, colour, contrast, sharpness: factor − 1; posterize: bits
// that are kept, 1 to 8; solarize: lowest pixel that is inverted; the others take none. What comes from
// outside the image is black; no interpolation.
at::Tensor apply_operation(Operation operation, const at::Tensor& images, const at::Tensor& magnitude);

}  // namespace cifar10
