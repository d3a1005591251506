// Owns the wide residual nets of Zagoruyko & Komodakis 2016 (arXiv 1605.07146): pre-activation blocks, few
// and wide. Keys of xternalz/WideResNet-pytorch.
#pragma once

#include "models/preact_resnet.h"

namespace cifar10 {

// WRN-depth-factor: 16 channels after the stem, then stages of 16, 32 and 64 times `widen_factor` with
// (depth - 4) / 6 blocks each. Dropout stands before the second convolution, after batch norm and ReLU, as in
// the authors' szagoruyko/wide-residual-networks; xternalz has it before that batch norm. The linear layer's
// bias starts as torch.nn.Linear's, not at 0.
class WideResNet : public PreActNet {
 public:
  WideResNet(const WideResNetOptions& options, at::Generator& generator);
};

}  // namespace cifar10
