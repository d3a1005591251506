// Owns starting a benchmark from JavaScript.
#pragma once

#include <napi.h>

// (options: NativeBenchmarkOptions) -> NativeJob<NativeBenchmark>, see lib/native-addon.ts.
Napi::Value start_benchmark(const Napi::CallbackInfo& info);
