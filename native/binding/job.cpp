#include "job.h"

#include <utility>

#include "failure.h"

Job::Job(Napi::Env env, const Napi::Value& listener)
    : registry_(*env.GetInstanceData<JobRegistry>()),
      deferred_(Napi::Promise::Deferred::New(env)),
      flags_(std::make_shared<Flags>()) {
  if (listener.IsFunction()) listener_ = Napi::Persistent(listener.As<Napi::Function>());
}

Napi::Object Job::start(Napi::Env env, const Napi::Value& listener, Work work,
                        std::shared_ptr<WorkThread> thread) {
  auto* job = new Job(env, listener);
  job->channel_ = Channel::New(
      env, "cifar10-torch", 0, 1, job, [](Napi::Env e, void*, Job* ended) { finalize(e, ended); },
      static_cast<void*>(nullptr));
  // Hooks run last in, first out: added after the channel's own, this one joins the thread while the channel
  // lives.
  napi_add_env_cleanup_hook(env, &Job::end_with_environment, job);
  job->registry_.jobs.insert(job);
  auto handle = Napi::Object::New(env);
  handle.Set("result", job->deferred_.Promise());
  const bool may_wait = thread != nullptr;
  handle.Set("stop",
             Napi::Function::New(env, [job, may_wait, flags = job->flags_](const Napi::CallbackInfo& info) {
               flags->stop = true;
               // Not taken yet: the job lives.
               if (may_wait && !flags->is_taken.exchange(true)) job->abandon(info.Env());
             }));
  job->post_work(std::move(work), std::move(thread));
  return handle;
}

void Job::post_work(Work work, std::shared_ptr<WorkThread> thread) {
  try {
    thread_ = thread ? std::move(thread) : std::make_shared<WorkThread>();
    done_ = thread_->post(
        [this, work = std::move(work)]() mutable noexcept { run(std::exchange(work, nullptr)); });
  } catch (...) {  // the system has no thread left
    flags_->is_taken = true;
    post([this, failure = describe_current_exception()](Napi::Env env) {
      deferred_.Reject(to_error(env, failure).Value());
    });
    channel_.Release();
  }
}

void Job::wait() const {
  if (done_.valid()) done_.wait();
}

// Takes the work: what it holds is gone when the thread is done with the job.
void Job::run(Work work) {
  if (!flags_->is_taken.exchange(true)) {
    try {
      post([this, to_js = work(*this)](Napi::Env env) { settle(to_js, env); });
    } catch (...) {
      post([this, failure = describe_current_exception()](Napi::Env env) {
        deferred_.Reject(to_error(env, failure).Value());
      });
    }
  }
  channel_.Release();
}

void Job::abandon(Napi::Env env) { deferred_.Reject(to_error(env, stopped_failure()).Value()); }

// Making the JavaScript value can fail too, for lack of memory.
void Job::settle(const ToJs& to_js, Napi::Env env) {
  try {
    deferred_.Resolve(to_js(env));
  } catch (const Napi::Error& error) {
    deferred_.Reject(error.Value());
  } catch (...) {
    deferred_.Reject(to_error(env, describe_current_exception()).Value());
  }
}

void Job::emit(ToJs to_event) {
  if (listener_.IsEmpty()) return;
  post([this, to_event = std::move(to_event)](Napi::Env env) { listener_.Call({to_event(env)}); });
}

void Job::post(Callback callback) {
  auto* owned = new Callback(std::move(callback));
  if (channel_.BlockingCall(owned) != napi_ok) delete owned;  // the environment is ending: nobody listens
}

void Job::call_js(Napi::Env env, Napi::Function, Job*, Callback* callback) {
  const std::unique_ptr<Callback> owned(callback);
  if (static_cast<napi_env>(env) == nullptr) return;
  const Napi::HandleScope scope(env);
  (*callback)(env);
}

// All are told before the first is waited for: one may be waiting for another.
void Job::stop_and_wait_all(const JobRegistry& registry) {
  for (auto* job : registry.jobs) job->flags_->stop = true;
  for (const auto* job : registry.jobs) job->wait();
}

void Job::stop_all(const Napi::CallbackInfo& info) {
  stop_and_wait_all(*info.Env().GetInstanceData<JobRegistry>());
}

void Job::end_with_environment(void* job) { stop_and_wait_all(static_cast<Job*>(job)->registry_); }

void Job::finalize(Napi::Env env, Job* job) {
  napi_remove_env_cleanup_hook(env, &Job::end_with_environment, job);
  job->registry_.jobs.erase(job);
  job->wait();
  delete job;
}
