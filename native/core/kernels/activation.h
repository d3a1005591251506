// Owns the names of the activations that follow a batch norm.
#pragma once

namespace cifar10::kernels {

enum class Activation { kNone, kRelu, kGelu };  // GELU: u·Φ(u), with the error function

}  // namespace cifar10::kernels
