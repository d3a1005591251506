// Owns whether this package's own kernels run, or LibTorch's operators everywhere.
#pragma once

namespace cifar10 {

enum class Kernels { kAuto, kLibtorch };

// For the models that the calling thread runs from now on; kAuto where it is never called.
void choose_kernels(Kernels kernels);

// Whether the calling thread wants them and the processor is one they are faster on: with AVX-512 products of
// bfloat16, without AMX, whose matrix unit only oneDNN uses.
bool uses_bf16_kernels();

}  // namespace cifar10
