// Owns views into a training for tests: what one batch does to a model, and the parts of the optimizer.
#pragma once

#include <napi.h>

// ({ config, state, images, labels, targets, lrFactors }) -> { logits, loss, gradients, state, averages },
// see lib/native-addon.ts. In float32 on the CPU.
Napi::Value inspect_training(const Napi::CallbackInfo& info);

// (matrix: a float32 tensor, steps) -> Float32Array
Napi::Value orthogonalize(const Napi::CallbackInfo& info);
