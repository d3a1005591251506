#include "runtime.h"

#ifdef _OPENMP
#include <omp.h>
#endif

#include <atomic>
#include <mutex>

#include "cpu_allocator.h"
#include "error.h"
#include "torch_api.h"

namespace cifar10 {
namespace {

at::Device pick_device(DeviceChoice choice) {
  if (choice == DeviceChoice::kCpu) return at::kCPU;
  if (torch::cuda::is_available()) return {at::kCUDA, 0};
  if (choice == DeviceChoice::kAuto) return at::kCPU;
  throw Error("DEVICE_UNAVAILABLE",
              "training.device=cuda: expected a CUDA LibTorch and a GPU that its driver can use, found none",
              "use training.device=cpu, or run `npx cifar10-torch doctor`");
}

// cuDNN may otherwise sum filter gradients in any order, and round float32 to TensorFloat-32; evaluation
// computes in float32 where training does in bf16.
void make_cuda_repeatable() {
  auto& context = at::globalContext();
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
  context.setAllowTF32CuDNN(false);
  context.setAllowTF32CuBLAS(false);
}

}  // namespace

at::ScalarType dtype_of(Precision precision) {
  return precision == Precision::kBf16 ? torch::kBFloat16 : torch::kFloat32;
}

Runtime start_runtime(const RuntimeOptions& options) {
  const Runtime runtime{pick_device(options.device), dtype_of(options.precision), options.threads,
                        options.kernels, options.max_winograd_tile};
  if (runtime.device.is_cuda()) make_cuda_repeatable();
  enter_runtime(runtime);
  return runtime;
}

void enter_runtime(const Runtime& runtime) {
  // Part of the setting is the process's (MKL's, and the default of new threads), part the thread's. Setting
  // it anew without need would throw away the kernels that oneDNN has generated.
  static std::atomic<int64_t> last_set = 0;
  const bool is_others = last_set.exchange(runtime.threads) != runtime.threads;
  if (is_others || at::get_num_threads() != runtime.threads)
    at::set_num_threads(static_cast<int>(runtime.threads));
  choose_kernels(runtime.kernels, runtime.max_winograd_tile);
}

void prepare_process() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Priority 1 puts it before LibTorch's own, which keeps freeing what it has handed out.
    c10::SetAllocator(c10::DeviceType::CPU, &CachingCpuAllocator::instance(), 1);
    // NNPACK warns at every layer where it does not know the processor, and its Winograd form rounds
    // otherwise than oneDNN, which is faster.
    at::globalContext().setUserEnabledNNPACK(false);
  });
  at::get_num_threads();  // sets this thread's to the default when it is first called
#ifdef _OPENMP
  omp_set_num_threads(1);
#endif
}

void release_cached_memory() { CachingCpuAllocator::instance().release(); }

}  // namespace cifar10
