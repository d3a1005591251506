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
  Kernels kernels;
  int64_t max_winograd_tile;
};

at::ScalarType dtype_of(Precision precision);

// Picks the device and enters. Errors: DEVICE_UNAVAILABLE.
Runtime start_runtime(const RuntimeOptions& options);

// The number of compute threads and the choice of kernels belong to the thread that calls.
void enter_runtime(const Runtime& runtime);

// Settings of the whole process: freed CPU activations stay mapped for the next step; convolutions in float32
// are oneDNN's. Call it before any tensor is made: LibTorch's table of allocators is not thread-safe.
// The calling thread computes alone from then on, unless it enters a runtime: with a pool of compute threads
// for it, too, OpenMP would find more threads than cores and let all of them sleep between any two
// operations.
void prepare_process();

// Gives the kept memory back to the system.
void release_cached_memory();

}  // namespace cifar10
