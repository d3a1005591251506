#include "predictor_wrap.h"

#include <utility>

#include "convert.h"
#include "failure.h"
#include "stopwatch.h"

Napi::Function PredictorWrap::define(Napi::Env env) {
  return DefineClass(
      env, "Predictor",
      {InstanceMethod("classify", &PredictorWrap::classify),
       InstanceMethod("evaluate", &PredictorWrap::evaluate), InstanceMethod("close", &PredictorWrap::close)});
}

PredictorWrap::PredictorWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PredictorWrap>(info) {
  const auto options = to_predictor_options(info[0].As<Napi::Object>());
  const auto state = to_state(info[1]);
  rethrow_coded(info.Env(), [&] {
    thread_ = std::make_shared<WorkThread>();
    // There, too: with a second pool of compute threads in the process, OpenMP's threads sleep between
    // operations.
    thread_->post([&] { predictor_ = std::make_shared<cifar10::Predictor>(options, state); }).get();
  });
}

void PredictorWrap::close(const Napi::CallbackInfo&) {
  predictor_.reset();
  thread_.reset();
}

std::shared_ptr<cifar10::Predictor> PredictorWrap::predictor(Napi::Env env) const {
  if (predictor_ == nullptr) throw Napi::Error::New(env, "the predictor is closed");
  return predictor_;
}

Napi::Value PredictorWrap::classify(const Napi::CallbackInfo& info) {
  const auto images = to_images(info[0]);
  const auto tta_level = info[1].ToNumber().Int64Value();
  auto work = [predictor = predictor(info.Env()), images, tta_level](Job& job) -> Job::ToJs {
    const cifar10::Stopwatch stopwatch;
    const auto probabilities = predictor->classify(images, tta_level, job.stop());
    return [probabilities, seconds = stopwatch.seconds()](Napi::Env env) {
      auto object = Napi::Object::New(env);
      object.Set("probabilities", from_floats(env, probabilities));
      object.Set("seconds", seconds);
      return object;
    };
  };
  return Job::start(info.Env(), info.Env().Undefined(), std::move(work), thread_);
}

Napi::Value PredictorWrap::evaluate(const Napi::CallbackInfo& info) {
  const auto files = to_strings(info[0]);
  const auto tta_level = info[1].ToNumber().Int64Value();
  auto work = [predictor = predictor(info.Env()), files, tta_level](Job& job) -> Job::ToJs {
    if (job.stop()) throw cifar10::Stopped{};  // before it reads the files
    const auto progress = [&](int64_t done, int64_t total) {
      job.emit([=](Napi::Env env) { return from_test_progress(env, done, total); });
    };
    const auto evaluation =
        predictor->evaluate(cifar10::read_records(files), tta_level, job.stop(), progress);
    return [evaluation](Napi::Env env) { return from_evaluation(env, evaluation); };
  };
  return Job::start(info.Env(), info[2], std::move(work), thread_);
}
