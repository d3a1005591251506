// Owns dropout (Srivastava et al. 2014, JMLR 15:1929) with explicit generators: a training that is resumed
// draws the masks that it would have drawn. Must not touch a global generator.
#pragma once

#include <ATen/core/Generator.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <optional>

namespace cifar10 {

class DropoutImpl : public torch::nn::Module {
 public:
  // `rate` in [0, 1): the probability that an element is set to 0.
  explicit DropoutImpl(double rate);
  // Any shape. In training mode each element is 0 with probability `rate`, else divided by 1 - rate, so that
  // the expectation stays; in evaluation mode, or with rate 0, returns `x` itself. A layer that drops must
  // have been given a seed.
  at::Tensor forward(const at::Tensor& x);

  // The masks drawn from here on follow from `seed` and the device.
  void seed(uint64_t seed);

 private:
  at::Generator& generator_for(at::Device device);

  double rate_;
  std::optional<uint64_t> seed_;
  at::Generator generator_;  // of the device it was last used on
};
TORCH_MODULE(Dropout);

// Gives each dropout layer of the model a generator of its own, made of (seed, RandomStream::kDropout,
// counter) and the layer's place. Call it before each forward pass in training mode, with a counter that no
// other pass of the run has.
void seed_dropout(torch::nn::Module& model, uint64_t seed, uint64_t counter);

}  // namespace cifar10
