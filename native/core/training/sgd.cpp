#include "training/sgd.h"

#include "torch_api.h"

namespace cifar10 {
namespace {

constexpr const char* kMomentum = "momentum";

}  // namespace

at::Tensor Sgd::direction(const at::Tensor& parameter, Buffers& buffers) const {
  const auto& gradient = parameter.grad();
  const auto decayed = options_.weight_decay == 0 ? gradient : gradient.add(parameter, options_.weight_decay);
  if (options_.momentum == 0) return decayed;
  auto& buffer = buffers[kMomentum];
  if (buffer.defined())
    buffer.mul_(options_.momentum).add_(decayed);
  else
    buffer = decayed.clone();
  return options_.nesterov ? decayed.add(buffer, options_.momentum) : buffer;
}

void Sgd::apply(at::Tensor parameter, Buffers& buffers, double lr, int64_t /*step*/) const {
  parameter.add_(direction(parameter, buffers), -lr);
}

std::vector<std::string> Sgd::buffer_names() const {
  return options_.momentum == 0 ? std::vector<std::string>{} : std::vector<std::string>{kMomentum};
}

}  // namespace cifar10
