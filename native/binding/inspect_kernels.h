// Owns a view into the kernels for tests: one operator, forward and backward, alone.
#pragma once

#include <napi.h>

// ({ operation, kernels, dtype, threads, shape, images, … }) -> { result, gradients, … }, see
// lib/native-addon.ts.
Napi::Value run_kernel(const Napi::CallbackInfo& info);
