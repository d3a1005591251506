// Owns turning whatever C++ throws into a JavaScript Error with a stable `code`.
#pragma once

#include <napi.h>

#include <functional>
#include <string>

struct Failure {
  std::string code;  // of lib/errors.ts
  std::string message;
  std::string next_step;  // may be empty
};

// Describes the exception being handled; call it inside a catch block.
Failure describe_current_exception();

// Of work that was stopped.
Failure stopped_failure();

Napi::Error to_error(Napi::Env env, const Failure& failure);

// Runs `work` on the JavaScript thread; what it throws is thrown on as a coded JavaScript error.
void rethrow_coded(Napi::Env env, const std::function<void()>& work);
