// Owns one piece of native work on a thread of its own or its model's: never the event loop, never libuv's
// pool, which a training would block for minutes. Its outcome settles a promise; the end of the environment
// (process exit, worker termination) stops it and waits for it.
#pragma once

#include <napi.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <unordered_set>

#include "work_thread.h"

class Job;

// The jobs of one environment, as its instance data. Used on the JavaScript thread only.
struct JobRegistry {
  std::unordered_set<Job*> jobs;
};

class Job {
 public:
  // Makes a JavaScript value; called on the JavaScript thread.
  using ToJs = std::function<Napi::Value(Napi::Env)>;
  // Done on the job's thread. It may throw anything, cifar10::Stopped included.
  using Work = std::function<ToJs(Job&)>;

  // Starts `work` and returns { result: Promise, stop(): void }. stop() sets the flag that `work` looks at:
  // its promise then rejects with code ABORTED, unless `work` makes a value of what it has. The promise
  // rejects with an Error that carries `code`. `listener`: a function, or undefined. `thread`: where the work
  // waits for its turn, and where stop() ends it at once until then; null: one of its own.
  static Napi::Object start(Napi::Env env, const Napi::Value& listener, Work work,
                            std::shared_ptr<WorkThread> thread = nullptr);

  // stopJobs(): stops the environment's jobs and waits for their work, at most one training step or batch
  // each. For the `exit` event of the process: what follows it destroys static objects that the threads use.
  static void stop_all(const Napi::CallbackInfo& info);

  // Calls the listener with the event on the JavaScript thread, in order. From the job's thread only; never
  // blocks.
  void emit(ToJs to_event);
  const std::atomic<bool>& stop() const { return flags_->stop; }

 private:
  struct Flags {  // outlives the job: its stop() may be called at any time
    std::atomic<bool> stop = false;
    std::atomic<bool> is_taken = false;  // by the thread that does the work, or by stop() before that
  };
  using Callback = std::function<void(Napi::Env)>;
  static void call_js(Napi::Env env, Napi::Function, Job*, Callback* callback);
  using Channel = Napi::TypedThreadSafeFunction<Job, Callback, &Job::call_js>;

  Job(Napi::Env env, const Napi::Value& listener);
  void post(Callback callback);
  void run(Work work);
  void abandon(Napi::Env env);
  void post_work(Work work, std::shared_ptr<WorkThread> thread);
  void wait() const;
  void settle(const ToJs& to_js, Napi::Env env);
  static void stop_and_wait_all(const JobRegistry& registry);
  static void end_with_environment(void* job);
  static void finalize(Napi::Env env, Job* job);

  JobRegistry& registry_;
  Napi::Promise::Deferred deferred_;
  Napi::FunctionReference listener_;  // made and released on the JavaScript thread
  std::shared_ptr<Flags> flags_;
  Channel channel_;
  std::shared_ptr<WorkThread> thread_;
  std::future<void> done_;
};
