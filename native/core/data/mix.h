// Owns mixing the images and labels of a batch with each other: mixup and CutMix. What is mixed with what is
// drawn on the CPU from the generator given; mixing is a tensor operation on the images' device.
#pragma once

#include <ATen/core/Tensor.h>

#include "data/data_options.h"

namespace cifar10 {

// How a batch is mixed: every image with that of its partner.
struct Mix {
  double lambda;       // share of the image itself, 0 to 1
  at::Tensor partner;  // int64 [B], a permutation of the batch
  at::Tensor box;  // int64 [1,4], (top, left, height, width), what CutMix takes from the partner; undefined
                   // for mixup
};

// lambda ~ Beta(alpha, alpha), one for the batch.
// mixup: Zhang et al., arXiv 1710.09412; CutMix: Yun et al., arXiv 1905.04899. With both, a fair coin decides
// for the batch, as in the training references of torchvision. CutMix's box has sides of about
// 32·√(1 − lambda), its centre is any pixel, and the border cuts it off; lambda is then corrected to the
// share of pixels that stay, as in the authors' code and in torchvision.transforms.v2.CutMix. Deviation from
// torchvision: the partners are a random permutation, as in both papers, not the batch rolled by one.
Mix draw_mix(const MixOptions& options, int64_t count, at::Generator& generator);

// images: float [B,3,32,32] -> the same, mixed.
at::Tensor mix_images(const at::Tensor& images, const Mix& mix);

// labels: int64 [B] -> float32 [B,10]: lambda for the label, 1 − lambda for the partner's.
at::Tensor mix_labels(const at::Tensor& labels, const Mix& mix);

}  // namespace cifar10
