#include "train_job.h"

#include <memory>

#include "convert.h"
#include "job.h"
#include "trainer.h"

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
  const auto options = to_train_options(info[0].As<Napi::Object>());
  return Job::start(info.Env(), info[1], [options](Job& job) -> Job::ToJs {
    EventEmitter observer(job);
    auto result = std::make_shared<cifar10::TrainResult>(cifar10::train(options, observer, job.stop()));
    return [result](Napi::Env env) { return from_train_result(env, *result); };
  });
}
