// Owns measuring what a model costs. Must not know any model: it watches LibTorch's operators during one
// forward pass, so that no layer has to keep count.
#pragma once

#include "models/model.h"

namespace cifar10 {

// Multiply–adds of the convolutions and linear layers for one image, in evaluation mode; twice that many
// FLOP. Norms, activations, pooling and additions are left out, as is usual. Leaves the model's mode as it
// was. Only operators called on this thread count.
int64_t multiply_adds(Model& model);

}  // namespace cifar10
