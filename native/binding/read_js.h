// Owns reading single fields of JavaScript objects. A missing or wrong field is a bug of ours: the
// configuration was validated in TypeScript.
#pragma once

#include <napi.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

inline Napi::Value field(const Napi::Object& object, const char* key) {
  const auto value = object.Get(key);
  // A missing field is a bug of ours: defaults live in conf/ only.
  if (value.IsUndefined()) throw Napi::TypeError::New(object.Env(), std::string("missing field: ") + key);
  return value;
}

inline Napi::Object child(const Napi::Object& object, const char* key) {
  const auto value = field(object, key);
  if (!value.IsObject()) throw Napi::TypeError::New(object.Env(), std::string("not an object: ") + key);
  return value.As<Napi::Object>();
}

inline double number(const Napi::Object& object, const char* key) {
  return field(object, key).ToNumber().DoubleValue();
}
inline int64_t integer(const Napi::Object& object, const char* key) {
  return field(object, key).ToNumber().Int64Value();
}
inline bool boolean(const Napi::Object& object, const char* key) {
  return field(object, key).ToBoolean().Value();
}
inline std::string text(const Napi::Object& object, const char* key) {
  return field(object, key).ToString().Utf8Value();
}

template <typename Enum>
Enum one_of(const Napi::Object& object, const char* key, const std::unordered_map<std::string, Enum>& names) {
  const auto found = names.find(text(object, key));
  if (found == names.end()) throw Napi::TypeError::New(object.Env(), std::string("unknown name in: ") + key);
  return found->second;
}

template <typename Element>
inline std::vector<Element> elements(const Napi::Value& value, Element (*convert)(const Napi::Value&)) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), "not an array");
  const auto array = value.As<Napi::Array>();
  std::vector<Element> result;
  for (uint32_t i = 0; i < array.Length(); ++i) result.push_back(convert(array.Get(i)));
  return result;
}

inline std::vector<int64_t> integers(const Napi::Value& value) {
  return elements<int64_t>(value, [](const Napi::Value& element) { return element.ToNumber().Int64Value(); });
}

inline std::vector<double> numbers(const Napi::Value& value) {
  return elements<double>(value, [](const Napi::Value& element) { return element.ToNumber().DoubleValue(); });
}

inline std::array<double, 3> triple(const Napi::Object& object, const char* key) {
  const auto values = numbers(field(object, key));
  if (values.size() != 3)
    throw Napi::TypeError::New(object.Env(), std::string("expected 3 values in: ") + key);
  return {values[0], values[1], values[2]};
}

inline std::optional<int64_t> optional_integer(const Napi::Object& object, const char* key) {
  return field(object, key).IsNull() ? std::nullopt : std::optional(integer(object, key));
}

inline std::optional<double> optional_number(const Napi::Object& object, const char* key) {
  return field(object, key).IsNull() ? std::nullopt : std::optional(number(object, key));
}
