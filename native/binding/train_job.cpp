#include "train_job.h"

#include <memory>
#include <utility>

#include "convert.h"
#include "job.h"
#include "training/trainer.h"

namespace {

class EventEmitter final : public cifar10::TrainObserver {
 public:
  explicit EventEmitter(Job& job) : job_(job) {}

  void on_start(const cifar10::StartEvent& event) override {
    job_.emit([event](Napi::Env env) { return from_start(env, event); });
  }
  void on_step(const cifar10::StepEvent& event) override {
    job_.emit([event](Napi::Env env) { return from_step(env, event); });
  }
  void on_epoch(const cifar10::EpochEvent& event) override {
    job_.emit([event](Napi::Env env) { return from_epoch(env, event); });
  }
  void on_test_progress(int64_t done, int64_t total) override {
    job_.emit([=](Napi::Env env) { return from_test_progress(env, done, total); });
  }

 private:
  Job& job_;
};

}  // namespace

Napi::Value start_training(const Napi::CallbackInfo& info) {
  const auto request = info[0].As<Napi::Object>();
  const auto options = to_train_options(request);
  auto work = [options, resume = to_resume(request)](Job& job) mutable -> Job::ToJs {
    EventEmitter observer(job);
    auto outcome = std::make_shared<cifar10::TrainOutcome>(
        cifar10::train(options, std::move(resume), observer, job.stop()));
    return [outcome](Napi::Env env) { return from_train_outcome(env, *outcome); };
  };
  return Job::start(info.Env(), info[1], std::move(work));
}
