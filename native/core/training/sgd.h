// Owns stochastic gradient descent with momentum, in the form of torch.optim.SGD with dampening 0.
#pragma once

#include "training/update_rule.h"

namespace cifar10 {

class Sgd final : public UpdateRule {
 public:
  struct Options {
    double momentum;
    bool nesterov;
    double weight_decay;  // coefficient of the L2 term
  };
  explicit Sgd(const Options& options) : options_(options) {}

  void apply(at::Tensor parameter, Buffers& buffers, double lr, int64_t step) const override;
  std::vector<std::string> buffer_names() const override;

  // What is subtracted lr times: the gradient with weight decay and momentum. Updates the buffer.
  at::Tensor direction(const at::Tensor& parameter, Buffers& buffers) const;

 private:
  Options options_;
};

}  // namespace cifar10
