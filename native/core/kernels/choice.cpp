#include "kernels/choice.h"

namespace cifar10 {
namespace {

thread_local Kernels chosen = Kernels::kAuto;

bool processor_suits() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         !__builtin_cpu_supports("amx-bf16");
#else
  return false;
#endif
}

}  // namespace

void choose_kernels(Kernels kernels) { chosen = kernels; }

bool uses_bf16_kernels() {
  static const bool suits = processor_suits();
  return suits && chosen == Kernels::kAuto;
}

}  // namespace cifar10
