// Owns the class `Predictor`: a loaded model whose calls run as jobs, one after the other.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>

#include "evaluation/predictor.h"
#include "job.h"

class PredictorWrap : public Napi::ObjectWrap<PredictorWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  // new Predictor(options: { model, normalization, device, precision, threads, batchSize }, state)
  explicit PredictorWrap(const Napi::CallbackInfo& info);

 private:
  // classify(pixels: Uint8Array of [N,32,32,3], ttaLevel): { result: Promise<Float32Array of [N,10]>, stop()
  // }
  Napi::Value classify(const Napi::CallbackInfo& info);
  // evaluate(files: string[], ttaLevel, onEvent?): { result: Promise<Evaluation>, stop() }
  Napi::Value evaluate(const Napi::CallbackInfo& info);

  // Outlives the JavaScript object while a job uses it.
  struct Shared {
    cifar10::Predictor predictor;
    std::timed_mutex one_at_a_time;
  };
  // Waits for the call before it. Throws cifar10::Stopped when the job is stopped meanwhile.
  static std::unique_lock<std::timed_mutex> take_turn(Shared& shared, const Job& job);
  std::shared_ptr<Shared> shared_;
};
