// Owns whether this package's own kernels run, or LibTorch's operators.
#pragma once

namespace cifar10 {

// kAuto: own ones where they are faster; kOwn: wherever they can run; kLibtorch: none.
enum class Kernels { kAuto, kOwn, kLibtorch };

// Whether the processor has what they are made of: AVX-512 products of bfloat16.
bool can_run_bf16_kernels();

// For the models that the calling thread runs from now on; kAuto where it is never called.
void choose_kernels(Kernels kernels);

// The choice for one operation. `is_worthwhile`: as far as its sizes go. Where there is AMX, oneDNN's use of
// that matrix unit is faster.
bool uses_bf16_kernels(bool is_worthwhile);

}  // namespace cifar10
