// Owns the export that computes the figures of an evaluation from logits, for checks against other programs.
#include <cstring>

#include "convert.h"
#include "evaluation/metrics.h"
#include "failure.h"
#include "inspect.h"
#include "read_js.h"

Napi::Value compute_metrics(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto values = info[0].As<Napi::Float32Array>();
  const auto labels = integers(info[1]);
  const auto images = static_cast<int64_t>(labels.size());
  if (images == 0 || values.ElementLength() != labels.size() * cifar10::kClasses)
    throw Napi::TypeError::New(env, "expected ten logits for each label, and a label");
  Napi::Object result;
  rethrow_coded(env, [&] {
    const auto logits = at::empty({images, cifar10::kClasses}, at::kFloat);
    std::memcpy(logits.data_ptr(), values.Data(), logits.nbytes());
    result = from_metrics(env, cifar10::compute_metrics(logits, at::tensor(labels, at::kLong)));
  });
  return result;
}
