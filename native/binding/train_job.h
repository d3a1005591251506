// Owns the export `train`: a training as a job whose events reach a JavaScript function.
#pragma once

#include <napi.h>

// train(options: { config, trainFiles, testFiles, resume: TrainingState | null }, onEvent: (event) => void):
// { result: Promise, stop(): void }. stop() makes the promise resolve to the state to resume from.
Napi::Value start_training(const Napi::CallbackInfo& info);
