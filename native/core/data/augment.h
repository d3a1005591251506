// Owns turning raw pixels into what a model sees: crop, flip, normalize; batched tensor operations on the
// images' device. Draws nothing at random: the loader hands in the offsets and flips.
#pragma once

#include <ATen/core/Tensor.h>

#include "data/data_options.h"

namespace cifar10 {

// How each image of a batch is cut out of its padded original. All on the images' device.
struct Placement {
  at::Tensor index;  // int64 [B], rows of the dataset
  at::Tensor dy;     // int64 [B], 0 to 2·translate: top edge of the crop in the padded image
  at::Tensor dx;     // int64 [B], likewise its left edge
  at::Tensor flip;   // bool [B], mirrored left to right after the crop
};

// images: uint8 [N,3,32,32] -> uint8 [B,3,32,32], channels-last. Zero padding is black before normalization.
at::Tensor crop_and_flip(const at::Tensor& images, const Placement& placement, int64_t translate,
                         Padding padding);

// images: uint8 [B,3,32,32] -> float32 [B,3,32,32], 0 to 1.
at::Tensor scale_pixels(const at::Tensor& images);

// images: float32 [B,3,32,32], 0 to 1, changed in place -> `dtype`: (value − mean) / std.
at::Tensor standardize(at::Tensor images, const NormalizationOptions& options, at::ScalarType dtype);

// The inverse: normalized images of any dtype -> uint8 [B,3,32,32], rounded.
at::Tensor denormalize(const at::Tensor& images, const NormalizationOptions& options);

// [B] -> [B,1,1,1]: a value for each image, to be spread over its pixels.
inline at::Tensor per_image(const at::Tensor& values) { return values.view({-1, 1, 1, 1}); }

// images: uint8 [B,3,32,32] -> `dtype` [B,3,32,32], channels-last: (pixel / 255 − mean) / std, computed in
// float32.
at::Tensor normalize(const at::Tensor& images, const NormalizationOptions& options, at::ScalarType dtype);

}  // namespace cifar10
