#include "kernels/choice.h"

namespace cifar10 {
namespace {

thread_local Kernels chosen = Kernels::kAuto;

#if CIFAR10_HAS_AVX512_KERNELS
bool has_avx512_bf16() {
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
bool has_amx_bf16() { return __builtin_cpu_supports("amx-bf16"); }
#else
bool has_avx512_bf16() { return false; }
bool has_amx_bf16() { return false; }
#endif

}  // namespace

bool can_run_bf16_kernels() {
  static const bool can_run = has_avx512_bf16();
  return can_run;
}

void choose_kernels(Kernels kernels) { chosen = kernels; }

bool uses_bf16_kernels(bool is_worthwhile) {
  static const bool onednn_is_faster = has_amx_bf16();
  if (chosen == Kernels::kLibtorch || !can_run_bf16_kernels()) return false;
  return chosen == Kernels::kOwn || (is_worthwhile && !onednn_is_faster);
}

}  // namespace cifar10
