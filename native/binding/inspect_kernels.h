// Owns a view into the kernels for tests: one operator, forward and backward, alone.
#pragma once

#include <napi.h>

// (request: KernelRequest) -> KernelAnswer, see lib/native-addon.ts.
Napi::Value run_kernel(const Napi::CallbackInfo& info);
