#include "job.h"

#include <utility>

#include "failure.h"

Job::Job(Napi::Env env, const Napi::Value& listener)
    : registry_(*env.GetInstanceData<JobRegistry>()),
      deferred_(Napi::Promise::Deferred::New(env)),
      stop_(std::make_shared<std::atomic<bool>>(false)) {
  if (listener.IsFunction()) listener_ = Napi::Persistent(listener.As<Napi::Function>());
}

Napi::Object Job::start(Napi::Env env, const Napi::Value& listener, Work work) {
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
  handle.Set("stop",
             Napi::Function::New(env, [flag = job->stop_](const Napi::CallbackInfo&) { *flag = true; }));
  job->start_thread(std::move(work));
  return handle;
}

void Job::start_thread(Work work) {
  try {
    thread_ = std::thread([this, work = std::move(work)] { run(work); });
  } catch (...) {  // the system has no thread left
    post([this, failure = describe_current_exception()](Napi::Env env) {
      deferred_.Reject(to_error(env, failure).Value());
    });
    channel_.Release();
  }
}

void Job::run(const Work& work) {
  try {
    post([this, to_js = work(*this)](Napi::Env env) { settle(to_js, env); });
  } catch (...) {
    post([this, failure = describe_current_exception()](Napi::Env env) {
      deferred_.Reject(to_error(env, failure).Value());
    });
  }
  channel_.Release();
}

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
void Job::stop_and_join_all(const JobRegistry& registry) {
  for (auto* job : registry.jobs) *job->stop_ = true;
  for (auto* job : registry.jobs)
    if (job->thread_.joinable()) job->thread_.join();
}

void Job::stop_all(const Napi::CallbackInfo& info) {
  stop_and_join_all(*info.Env().GetInstanceData<JobRegistry>());
}

void Job::end_with_environment(void* job) { stop_and_join_all(static_cast<Job*>(job)->registry_); }

void Job::finalize(Napi::Env env, Job* job) {
  napi_remove_env_cleanup_hook(env, &Job::end_with_environment, job);
  job->registry_.jobs.erase(job);
  if (job->thread_.joinable()) job->thread_.join();
  delete job;
}
