#include "training/named_state.h"

#include <iterator>

namespace cifar10 {

std::vector<NamedTensor> with_prefix(const std::string& prefix, std::vector<NamedTensor> state) {
  for (auto& item : state) item.name.insert(0, prefix);
  return state;
}

std::vector<NamedTensor> without_prefix(const std::string& prefix, const std::vector<NamedTensor>& state) {
  std::vector<NamedTensor> part;
  for (const auto& [name, tensor] : state)
    if (name.starts_with(prefix)) part.push_back({name.substr(prefix.size()), tensor});
  return part;
}

void append(std::vector<NamedTensor>& state, std::vector<NamedTensor> more) {
  state.insert(state.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace cifar10
