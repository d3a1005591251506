// Owns where work runs: the device, the arithmetic, the number of threads, and how large CPU tensors get
// memory.
#pragma once

#include <ATen/core/Tensor.h>

#include "runtime_options.h"

namespace cifar10 {

struct Runtime {
  at::Device device;
  at::ScalarType dtype;  // of activations
  int64_t threads;       // of one operation on the CPU
};

at::ScalarType dtype_of(Precision precision);

// Picks the device and sets the calling thread's number of compute threads. Errors: DEVICE_UNAVAILABLE.
Runtime start_runtime(const RuntimeOptions& options);

// Keeps freed CPU activations mapped for the next step, process-wide. Call it before any tensor is made:
// LibTorch's table of allocators is not thread-safe. Later calls do nothing.
void install_cpu_allocator();

// Gives the kept memory back to the system.
void release_cached_memory();

}  // namespace cifar10
