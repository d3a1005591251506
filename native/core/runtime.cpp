#include "runtime.h"

#include <torch/torch.h>

#include <mutex>
#include <thread>

#include "cpu_allocator.h"
#include "error.h"

namespace cifar10 {
namespace {

at::Device pick_device(DeviceChoice choice) {
  const bool has_cuda = torch::cuda::is_available();
  if (choice == DeviceChoice::kCuda && !has_cuda)
    throw Error(
        "DEVICE_UNAVAILABLE",
        "training.device=cuda: expected a CUDA LibTorch and a GPU that its driver can use, found none. Next "
        "step: use training.device=cpu, or run `cifar10-torch doctor`");
  return choice != DeviceChoice::kCpu && has_cuda ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
}

}  // namespace

Runtime start_runtime(const RuntimeOptions& options) {
  const int64_t cores = std::max(1U, std::thread::hardware_concurrency());
  const int64_t threads = options.threads.value_or(cores);
  at::set_num_threads(static_cast<int>(threads));
  return {pick_device(options.device),
          options.precision == Precision::kBf16 ? torch::kBFloat16 : torch::kFloat32, threads};
}

void install_cpu_allocator() {
  static std::once_flag once;
  // Priority 1 puts it before LibTorch's own, which keeps freeing what it has handed out.
  std::call_once(once, [] { c10::SetAllocator(c10::DeviceType::CPU, &CachingCpuAllocator::instance(), 1); });
}

void release_cached_memory() { CachingCpuAllocator::instance().release(); }

}  // namespace cifar10
