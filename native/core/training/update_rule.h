// Owns what an update rule is: how one parameter changes by its gradient, and what it remembers between two
// steps. Must not know schedules, groups or other parameters.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace cifar10 {

// By name; empty before the first step.
using Buffers = std::map<std::string, at::Tensor>;

class UpdateRule {
 public:
  virtual ~UpdateRule() = default;
  // Changes `parameter`, which has a gradient, and its buffers in place. `step` counts from 1.
  virtual void apply(at::Tensor parameter, Buffers& buffers, double lr, int64_t step) const = 0;
  // The buffers that a parameter has after its first step; each is of its shape and dtype.
  virtual std::vector<std::string> buffer_names() const = 0;
};

}  // namespace cifar10
