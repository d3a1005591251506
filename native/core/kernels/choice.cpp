#include "kernels/choice.h"

#ifdef __linux__
#include <sys/auxv.h>
#endif

namespace cifar10 {
namespace {

thread_local Kernels chosen = Kernels::kAuto;
thread_local int64_t largest_tile = 4;

#if CIFAR10_HAS_AVX512_KERNELS
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
bool has_avx512_bf16() { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }
bool has_amx_bf16() { return __builtin_cpu_supports("amx-bf16"); }
#else
bool has_avx512() { return false; }
bool has_avx512_bf16() { return false; }
bool has_amx_bf16() { return false; }
#endif

}  // namespace

bool can_run_own_kernels(at::ScalarType dtype) {
  static const bool can_run_float = has_avx512(), can_run_bf16 = has_avx512_bf16();
  return dtype == at::kFloat ? can_run_float : can_run_bf16;
}

bool has_fast_bf16() {
#if defined(__aarch64__) && defined(__linux__)
  constexpr unsigned long kBf16 = 1UL << 14;  // HWCAP2_BF16 of Linux's asm/hwcap.h
  if (getauxval(AT_HWCAP2) & kBf16) return true;
#endif
  return has_avx512_bf16() || has_amx_bf16();
}

void choose_kernels(Kernels kernels, int64_t max_winograd_tile) {
  chosen = kernels;
  largest_tile = max_winograd_tile;
}

int64_t max_winograd_tile() { return largest_tile; }

KernelsGuard::KernelsGuard(Kernels kernels) : before_(chosen) { chosen = kernels; }
KernelsGuard::~KernelsGuard() { chosen = before_; }

bool uses_own_kernels(at::ScalarType dtype, bool is_worthwhile) {
  static const bool has_amx = has_amx_bf16();
  if (chosen == Kernels::kLibtorch || !can_run_own_kernels(dtype)) return false;
  const bool onednn_is_faster = has_amx && dtype == at::kBFloat16;
  return chosen == Kernels::kOwn || (is_worthwhile && !onednn_is_faster);
}

}  // namespace cifar10
