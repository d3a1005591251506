// Owns making JavaScript lists.
#pragma once

#include <napi.h>

#include <optional>

template <typename Values, typename ToValue>
Napi::Array array_of(Napi::Env env, const Values& values, ToValue to_value) {
  auto array = Napi::Array::New(env, values.size());
  uint32_t index = 0;
  for (const auto& value : values) array.Set(index++, to_value(value));
  return array;
}

template <typename Value>
Napi::Value number_or_null(Napi::Env env, const std::optional<Value>& value) {
  if (!value) return env.Null();
  return Napi::Number::New(env, static_cast<double>(*value));
}
