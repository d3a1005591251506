#include "failure.h"

#include <c10/util/Exception.h>

#include <new>

#include "error.h"
#include "evaluation/evaluate.h"

namespace {
constexpr const char* kNeedLessMemory =
    "use a smaller data_loading.batch_size, training.eval_batch_size or model, or close other programs";
}

Failure describe_current_exception() {
  try {
    throw;
  } catch (const cifar10::Stopped&) {
    return stopped_failure();
  } catch (const cifar10::Error& error) {
    return {error.code(), error.what(), error.next_step()};
  } catch (const c10::OutOfMemoryError& error) {
    return {"OUT_OF_MEMORY", error.what_without_backtrace(), kNeedLessMemory};
  } catch (const std::bad_alloc&) {
    return {"OUT_OF_MEMORY", "there is not enough memory", kNeedLessMemory};
  } catch (const c10::Error& error) {
    return {"NATIVE_FAILURE", error.what_without_backtrace(), ""};
  } catch (const std::exception& error) {
    return {"NATIVE_FAILURE", error.what(), ""};
  } catch (...) {
    return {"NATIVE_FAILURE", "an unknown exception", ""};
  }
}

Failure stopped_failure() { return {"ABORTED", "stopped before the end", ""}; }

Napi::Error to_error(Napi::Env env, const Failure& failure) {
  auto error = Napi::Error::New(env, failure.message);
  error.Set("code", failure.code);
  if (!failure.next_step.empty()) error.Set("nextStep", failure.next_step);
  return error;
}

void rethrow_coded(Napi::Env env, const std::function<void()>& work) {
  Failure failure;
  try {
    return work();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    failure = describe_current_exception();
  }
  throw to_error(env, failure);
}
