#include "predictor_wrap.h"

#include <chrono>

#include "convert.h"
#include "failure.h"

Napi::Function PredictorWrap::define(Napi::Env env) {
  return DefineClass(env, "Predictor",
                     {InstanceMethod("classify", &PredictorWrap::classify),
                      InstanceMethod("evaluate", &PredictorWrap::evaluate)});
}

PredictorWrap::PredictorWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PredictorWrap>(info) {
  const auto options = to_predictor_options(info[0].As<Napi::Object>());
  const auto state = to_state(info[1]);
  rethrow_coded(info.Env(), [&] { shared_.reset(new Shared{{options, state}, {}}); });
}

std::unique_lock<std::timed_mutex> PredictorWrap::take_turn(Shared& shared, const Job& job) {
  std::unique_lock turn(shared.one_at_a_time, std::defer_lock);
  while (!turn.try_lock_for(std::chrono::milliseconds(20)))
    if (job.stop()) throw cifar10::Stopped{};
  return turn;
}

Napi::Value PredictorWrap::classify(const Napi::CallbackInfo& info) {
  const auto images = to_images(info[0]);
  const auto tta_level = info[1].ToNumber().Int64Value();
  return Job::start(info.Env(), info.Env().Undefined(),
                    [shared = shared_, images, tta_level](Job& job) -> Job::ToJs {
                      const auto turn = take_turn(*shared, job);
                      const auto probabilities = shared->predictor.classify(images, tta_level, job.stop());
                      return [probabilities](Napi::Env env) { return from_floats(env, probabilities); };
                    });
}

Napi::Value PredictorWrap::evaluate(const Napi::CallbackInfo& info) {
  const auto files = to_strings(info[0]);
  const auto tta_level = info[1].ToNumber().Int64Value();
  return Job::start(info.Env(), info[2], [shared = shared_, files, tta_level](Job& job) -> Job::ToJs {
    const auto turn = take_turn(*shared, job);
    const auto progress = [&](int64_t done, int64_t total) {
      job.emit([=](Napi::Env env) { return from_test_progress(env, done, total); });
    };
    const auto evaluation =
        shared->predictor.evaluate(cifar10::read_records(files), tta_level, job.stop(), progress);
    return [evaluation](Napi::Env env) { return from_evaluation(env, evaluation); };
  });
}
