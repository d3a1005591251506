// Owns erasing rectangles of images: cutout and random erasing. Boxes are drawn on the CPU from the
// generator given; erasing is a tensor operation on the images' device.
#pragma once

#include <ATen/core/Tensor.h>

#include "data/data_options.h"

namespace cifar10 {

// Boxes: int64 [N,4] of (top, left, height, width) in pixels; a part outside the image does not count, and a
// height or width of 0 erases nothing.

// One square of side `options.size` for each image. Not clipped: every place wholly inside the image is
// equally likely (airbench96, github.com/KellerJordan/cifar10-airbench). Clipped: the centre may be any pixel
// and the border cuts the square off (DeVries & Taylor, arXiv 1708.04552). Deviation: an odd side is kept,
// where the authors' code takes the next smaller even one.
at::Tensor draw_cutout(const CutoutOptions& options, int64_t count, at::Generator& generator);

// A box for a share `options.probability` of the images: its area uniform between the bounds, the logarithm
// of its ratio likewise, its place uniform (Zhong et al., arXiv 1708.04896). As in
// torchvision.transforms.RandomErasing a box that does not fit is drawn anew, ten times at most; then nothing
// is erased.
at::Tensor draw_random_erasing(const RandomErasingOptions& options, int64_t count, at::Generator& generator);

// Sets the boxes of normalized images [B,3,32,32] to 0, which is the mean pixel; in place.
at::Tensor erase(at::Tensor images, const at::Tensor& boxes);

// bool [B,1,32,32], true inside the boxes.
at::Tensor box_mask(const at::Tensor& boxes);

}  // namespace cifar10
