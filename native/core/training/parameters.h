// Owns what a parameter is to the optimizer, and with it which update rule, lr and weight decay it gets.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/model.h"
#include "training/training_options.h"
#include "training/update_rule.h"

namespace cifar10 {

// One trainable parameter and how it learns.
struct Learner {
  std::string name;  // the parameter's state key
  at::Tensor parameter;
  bool is_short_lived;  // see Model::short_lived
  double lr;            // at the schedule's peak
  std::shared_ptr<const UpdateRule> rule;
  Buffers buffers;
};

// Every parameter that is trained, in the model's order. Muon takes convolution filters and orthogonalizes in
// `dtype`. Keeps references to the parameters.
std::vector<Learner> assign_learners(const Model& model, const OptimizerOptions& options,
                                     at::ScalarType dtype);

}  // namespace cifar10
