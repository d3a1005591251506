// Owns the names under which the parts of a training's state lie in one list.
#pragma once

#include <string>
#include <vector>

#include "models/model.h"

namespace cifar10 {

std::vector<NamedTensor> with_prefix(const std::string& prefix, std::vector<NamedTensor> state);
// Those whose names begin with it, without it.
std::vector<NamedTensor> without_prefix(const std::string& prefix, const std::vector<NamedTensor>& state);
void append(std::vector<NamedTensor>& state, std::vector<NamedTensor> more);

}  // namespace cifar10
