// Owns whether this package's own kernels run, or LibTorch's operators, and how large tiles own ones may use.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>

namespace cifar10 {

// kAuto: own ones where they are faster; kOwn: wherever they can run; kLibtorch: none.
enum class Kernels { kAuto, kOwn, kLibtorch };

// Whether the processor has what they are made of: AVX-512, in bfloat16 with its products.
bool can_run_own_kernels(at::ScalarType dtype);

// Whether the processor multiplies bfloat16, in whoever's kernels. Others emulate it, an order of magnitude
// slower than float32.
bool has_fast_bf16();

// For the models that the calling thread runs from now on; kAuto and 4 where it is never called.
// `max_winograd_tile`: side of the largest tiles of results that 3x3 convolutions are computed by, 2 or 4;
// larger ones take fewer multiplications and round more (winograd.h).
void choose_kernels(Kernels kernels, int64_t max_winograd_tile);
int64_t max_winograd_tile();

// Chooses for as long as it lives.
class KernelsGuard {
 public:
  explicit KernelsGuard(Kernels kernels);
  ~KernelsGuard();
  KernelsGuard(const KernelsGuard&) = delete;
  KernelsGuard& operator=(const KernelsGuard&) = delete;

 private:
  Kernels before_;
};

// The choice for one operation on activations of this dtype. `is_worthwhile`: as far as its sizes go. Where
// there is AMX, oneDNN's use of that matrix unit is faster in bfloat16.
bool uses_own_kernels(at::ScalarType dtype, bool is_worthwhile);

}  // namespace cifar10
