// Owns the export `train`: a training as a job whose events reach a JavaScript function.
#pragma once

#include <napi.h>

// train(options: { config, trainFiles, testFiles }, onEvent: (event) => void): { result: Promise, stop():
// void }
Napi::Value start_training(const Napi::CallbackInfo& info);
