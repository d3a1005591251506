// Owns the error that the core throws when a person can mend the cause. Its code is one of lib/errors.ts;
// anything else that is thrown (c10::Error, std::bad_alloc) is translated by the binding.
#pragma once

#include <stdexcept>
#include <string>

namespace cifar10 {

class Error : public std::runtime_error {
 public:
  Error(std::string code, const std::string& message) : std::runtime_error(message), code_(std::move(code)) {}
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

}  // namespace cifar10
