// Owns what every model can do, and the one factory that makes them from typed options.
#pragma once

#include <torch/nn/module.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/model_options.h"

namespace cifar10 {

class Model : public torch::nn::Module {
 public:
  // images: bf16 or fp32 [B,3,32,32], normalized, channels-last -> logits: float32 [B,10].
  virtual at::Tensor forward(const at::Tensor& images) = 0;

  // Sets weights that are computed from data, not learned. `images`: float32 [N,3,32,32], normalized train
  // images; N is what calibration_images() asked for, or the whole set if that is smaller.
  virtual void calibrate(const at::Tensor& images) { (void)images; }
  virtual int64_t calibration_images() const { return 0; }

  // A parameter that is trained for `epochs` only, then frozen.
  struct ShortLived {
    at::Tensor parameter;  // undefined: none
    double epochs = 0;
    bool decays = true;  // its lr falls linearly to 0 over them; else it follows the schedule of the others
  };
  virtual ShortLived short_lived() const { return {}; }
};

// Makes the model with weights drawn from (seed), in float32 on the CPU, in training mode.
std::shared_ptr<Model> make_model(const ModelOptions& options, uint64_t seed);

// Its layers and the shapes of its tensors without the values of its weights, which take no memory: to
// compare with what a file claims to hold.
std::shared_ptr<Model> outline_model(const ModelOptions& options);

struct NamedTensor {
  std::string name;
  at::Tensor tensor;  // CPU, row-major contiguous; float32 or int64
};

// All parameters and buffers under PyTorch's state keys; not copies.
std::map<std::string, at::Tensor> tensors_of(const Model& model);

// A row-major copy on the CPU.
at::Tensor cpu_copy(const at::Tensor& tensor);

// Overwrites `target`, whose layout in memory stays. Errors: CHECKPOINT_MISMATCH, about the tensor `name`,
// when the shape or the dtype differs.
void copy_checked(const std::string& name, at::Tensor target, const at::Tensor& source);

// Copies of all parameters and buffers, by name.
std::vector<NamedTensor> state_of(const Model& model);

// Overwrites all parameters and buffers. Errors: CHECKPOINT_MISMATCH when a name, shape or dtype differs.
void load_state(Model& model, const std::vector<NamedTensor>& state);

int64_t parameter_count(const Model& model);

}  // namespace cifar10
