// Owns Adam (Kingma & Ba 2014, arXiv 1412.6980) and AdamW (Loshchilov & Hutter 2017, arXiv 1711.05101), in
// the form of torch.optim.Adam and AdamW without amsgrad.
#pragma once

#include "training/training_options.h"
#include "training/update_rule.h"

namespace cifar10 {

class Adam final : public UpdateRule {
 public:
  // `options.lr` and `options.decay_norms_and_biases` are not looked at.
  explicit Adam(const AdamOptions& options) : options_(options) {}

  void apply(at::Tensor parameter, Buffers& buffers, double lr, int64_t step) const override;
  std::vector<std::string> buffer_names() const override;

 private:
  AdamOptions options_;
};

}  // namespace cifar10
