// Owns the error that the core throws when a person can mend the cause. Its code is one of lib/errors.ts;
// anything else that is thrown (c10::Error, std::bad_alloc) is translated by the binding.
#pragma once

#include <stdexcept>
#include <string>

namespace cifar10 {

class Error : public std::runtime_error {
 public:
  // message: what happened, with the expected and the found value. next_step: one action that mends it.
  Error(std::string code, const std::string& message, std::string next_step)
      : std::runtime_error(message), code_(std::move(code)), next_step_(std::move(next_step)) {}
  // Copied where it would be moved: libstdc++ has a moving std::runtime_error only since GCC 9.
  Error(const Error&) = default;
  Error& operator=(const Error&) = default;
  const std::string& code() const { return code_; }
  const std::string& next_step() const { return next_step_; }

 private:
  std::string code_;
  std::string next_step_;
};

}  // namespace cifar10
