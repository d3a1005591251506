// Owns the exports that show models, schedules, metrics and the runtime by themselves: for lists, plots,
// checks before loading, and tests. Data and training have files of their own.
#pragma once

#include <napi.h>

// describeModel(model): { parameterCount, tensors: [{ name, dtype, shape }] }
Napi::Value describe_model(const Napi::CallbackInfo& info);
// countMultiplyAdds(model): of one image, by a forward pass
Napi::Value count_multiply_adds(const Napi::CallbackInfo& info);
// lrFactors(schedule, totalSteps, stepsPerEpoch): number[]
Napi::Value lr_factors(const Napi::CallbackInfo& info);
// computeMetrics(logits: Float32Array of [N,10], labels: number[] of N): NativeMetrics
Napi::Value compute_metrics(const Napi::CallbackInfo& info);
// dropOnes({ rate, isTraining, seed, counter, size }): what two dropout layers of one model make of ones, as
// two Float32Arrays of that size
Napi::Value drop_ones(const Napi::CallbackInfo& info);
// countMappings(bytes: number[]): allocates tensors of these sizes in turn; how many took new memory
Napi::Value count_mappings(const Napi::CallbackInfo& info);
// runtimeInfo(): { builtForLibtorch, hasCuda, cudaDeviceCount, cpuCapability }
Napi::Value runtime_info(const Napi::CallbackInfo& info);
