// Owns the class `Predictor`: a loaded model whose calls run as jobs, one after the other.
#pragma once

#include <napi.h>

#include <memory>

#include "evaluation/predictor.h"
#include "job.h"
#include "work_thread.h"

class PredictorWrap : public Napi::ObjectWrap<PredictorWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  // new Predictor(options: { model, normalization, device, precision, threads, batchSize }, state)
  explicit PredictorWrap(const Napi::CallbackInfo& info);

 private:
  // classify(pixels: Uint8Array of [N,32,32,3], ttaLevel): { result: Promise<Float32Array of [N,10]>, stop()
  // }
  Napi::Value classify(const Napi::CallbackInfo& info);
  // close(): gives back the model and its thread once the calls before have ended; another call after it
  // throws.
  void close(const Napi::CallbackInfo& info);
  // evaluate(files: string[], ttaLevel, onEvent?): { result: Promise<Evaluation>, stop() }
  Napi::Value evaluate(const Napi::CallbackInfo& info);

  // The model. Errors: Napi::Error, once it is closed.
  std::shared_ptr<cifar10::Predictor> predictor(Napi::Env env) const;

  std::shared_ptr<WorkThread> thread_;             // of all calls
  std::shared_ptr<cifar10::Predictor> predictor_;  // outlives the JavaScript object while a job uses it
};
