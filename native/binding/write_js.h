// Owns making JavaScript lists.
#pragma once

#include <napi.h>

template <typename Values, typename ToValue>
Napi::Array array_of(Napi::Env env, const Values& values, ToValue to_value) {
  auto array = Napi::Array::New(env, values.size());
  uint32_t index = 0;
  for (const auto& value : values) array.Set(index++, to_value(value));
  return array;
}
