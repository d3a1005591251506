#include "train_job.h"

#include <atomic>
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

  bool can_keep_state() const override { return !*keeps_state_; }
  void on_state(const cifar10::TrainingState& state) override {
    *keeps_state_ = true;
    job_.emit([state, flag = keeps_state_](Napi::Env env) {
      return from_kept_state(env, state, release(env, flag));
    });
  }
  bool can_keep_best() const override { return !*keeps_best_; }
  void on_best(int64_t epoch, const std::vector<cifar10::NamedTensor>& weights) override {
    *keeps_best_ = true;
    job_.emit([epoch, weights, flag = keeps_best_](Napi::Env env) {
      return from_kept_best(env, epoch, weights, release(env, flag));
    });
  }

 private:
  using Flag = std::shared_ptr<std::atomic<bool>>;  // outlives the job: JavaScript may call late

  static Napi::Function release(Napi::Env env, const Flag& flag) {
    return Napi::Function::New(env, [flag](const Napi::CallbackInfo&) { *flag = false; });
  }

  Job& job_;
  Flag keeps_state_ = std::make_shared<std::atomic<bool>>(false);
  Flag keeps_best_ = std::make_shared<std::atomic<bool>>(false);
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
