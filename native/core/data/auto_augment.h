// Owns the policies that choose operations for each image at random: RandAugment and TrivialAugment. Choices
// are drawn on the CPU from the generator given; the operations run on the images' device.
#pragma once

#include <ATen/core/Tensor.h>

#include "data/data_options.h"

namespace cifar10 {

// What is done to each image, one after the other; on the CPU, where the images are grouped.
struct PolicyChoices {
  at::Tensor operation;  // int64 [N,operations], an Operation
  at::Tensor magnitude;  // float64 [N,operations], in the operation's own unit, with its sign
};

inline constexpr int64_t kMagnitudes = 31;

// float64 [operations,31]: the magnitude of each operation at each strength.
// Not wide: RandAugment (Cubuk et al., arXiv 1909.13719); wide: TrivialAugment (Müller & Hutter, arXiv
// 2103.10158). The ranges are those of torchvision's RandAugment and TrivialAugmentWide.
at::Tensor magnitude_table(bool wide);

// Undefined tensors for no policy. Every operation is equally likely, identity among them; the sign of those
// that have two directions is a fair coin.
PolicyChoices draw_policy(const PolicyOptions& options, int64_t count, at::Generator& generator);

// images: uint8 [B,3,32,32], changed in place and returned; `choices` has B rows.
at::Tensor apply_policy(at::Tensor images, const PolicyChoices& choices);

}  // namespace cifar10
