#include "models/model.h"

#include <sstream>

#include "error.h"
#include "models/cnn.h"
#include "models/fast_cnn.h"
#include "models/preact_resnet.h"
#include "models/resnet.h"
#include "models/wide_resnet.h"
#include "random.h"
#include "torch_api.h"

namespace cifar10 {
namespace {

struct Factory {
  at::Generator& generator;
  template <typename Net, typename Options>
  std::shared_ptr<Model> make(const Options& options) const {
    return std::make_shared<Net>(options, generator);
  }
  std::shared_ptr<Model> operator()(const FastCnnOptions& o) const { return make<FastCnn>(o); }
  std::shared_ptr<Model> operator()(const CnnOptions& o) const { return make<Cnn>(o); }
  std::shared_ptr<Model> operator()(const CifarResNetOptions& o) const { return make<CifarResNet>(o); }
  std::shared_ptr<Model> operator()(const ResNetOptions& o) const { return make<ResNet>(o); }
  std::shared_ptr<Model> operator()(const PreActResNetOptions& o) const { return make<PreActResNet>(o); }
  std::shared_ptr<Model> operator()(const WideResNetOptions& o) const { return make<WideResNet>(o); }
};

std::string describe(const at::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.dtype().name() << ' ' << tensor.sizes();
  return text.str();
}

Error mismatch(const std::string& message) {
  return {"CHECKPOINT_MISMATCH", message, "choose the model that the checkpoint was trained with"};
}

}  // namespace

std::shared_ptr<Model> make_model(const ModelOptions& options, uint64_t seed) {
  auto generator = make_generator(seed, RandomStream::kInit, 0);
  return std::visit(Factory{generator}, options);
}

std::shared_ptr<Model> outline_model(const ModelOptions& options) {
  at::Generator none;
  return std::visit(Factory{none}, options);
}

std::map<std::string, at::Tensor> tensors_of(const Model& model) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& item : model.named_parameters()) tensors.emplace(item.key(), item.value());
  for (const auto& item : model.named_buffers()) tensors.emplace(item.key(), item.value());
  return tensors;
}

at::Tensor cpu_copy(const at::Tensor& tensor) {
  return tensor.detach().to(torch::kCPU, /*non_blocking=*/false, /*copy=*/true).contiguous();
}

void copy_checked(const std::string& name, at::Tensor target, const at::Tensor& source) {
  if (target.sizes() != source.sizes() || target.dtype() != source.dtype())
    throw mismatch("tensor \"" + name + "\": expected " + describe(target) + ", found " + describe(source));
  target.copy_(source);
}

std::vector<NamedTensor> state_of(const Model& model) {
  std::vector<NamedTensor> state;
  for (const auto& [name, tensor] : tensors_of(model)) state.push_back({name, cpu_copy(tensor)});
  return state;
}

void load_state(Model& model, const std::vector<NamedTensor>& state) {
  const torch::NoGradGuard no_grad;
  auto own = tensors_of(model);
  if (own.size() != state.size())
    throw mismatch("expected " + std::to_string(own.size()) + " tensors, found " +
                   std::to_string(state.size()));
  for (const auto& [name, source] : state) {
    const auto target = own.find(name);
    if (target == own.end())
      throw mismatch("expected the model's tensors, each once, found \"" + name + "\"");
    copy_checked(name, target->second, source);
    own.erase(target);
  }
}

int64_t parameter_count(const Model& model) {
  int64_t count = 0;
  for (const auto& parameter : model.parameters()) count += parameter.numel();
  return count;
}

}  // namespace cifar10
