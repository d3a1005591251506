#include "models/dropout.h"

#include "random.h"
#include "torch_api.h"

namespace cifar10 {
namespace {

at::Generator new_generator(at::Device device, uint64_t seed) {
  if (device.is_cpu()) return at::make_generator<at::CPUGeneratorImpl>(seed);
  auto generator =
      at::globalContext().getAcceleratorHooksInterface(device.type()).getNewGenerator(device.index());
  generator.set_current_seed(seed);
  return generator;
}

}  // namespace

DropoutImpl::DropoutImpl(double rate) : rate_(rate) {}

void DropoutImpl::seed(uint64_t seed) {
  seed_ = seed;
  generator_ = {};
}

at::Generator& DropoutImpl::generator_for(at::Device device) {
  TORCH_CHECK(seed_.has_value(), "dropout needs a seed: call seed_dropout before the forward pass");
  if (!generator_.defined() || generator_.device() != device) generator_ = new_generator(device, *seed_);
  return generator_;
}

at::Tensor DropoutImpl::forward(const at::Tensor& x) {
  if (!is_training() || rate_ == 0) return x;
  const double kept = 1 - rate_;
  return x * at::empty_like(x).bernoulli_(kept, generator_for(x.device())).div_(kept);
}

void seed_dropout(torch::nn::Module& model, uint64_t seed, uint64_t counter) {
  const uint64_t mixed = stream_seed(seed, RandomStream::kDropout, counter);
  uint64_t layer = 0;
  for (const auto& module : model.modules(/*include_self=*/false))
    if (auto* dropout = module->as<DropoutImpl>()) dropout->seed(mix_bits(mixed ^ ++layer));
}

}  // namespace cifar10
