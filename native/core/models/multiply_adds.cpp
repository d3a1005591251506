#include "models/multiply_adds.h"

#include <ATen/record_function.h>

#include <memory>
#include <string_view>

#include "data/dataset.h"
#include "kernels/choice.h"
#include "torch_api.h"

namespace cifar10 {
namespace {

thread_local int64_t counted = 0;

// Multiply–adds for each element of an operator's output.
struct CostPerOutput : at::ObserverContext {
  explicit CostPerOutput(int64_t value) : value(value) {}
  int64_t value;
};

// Both names are recorded once per layer: at::conv2d calls aten::convolution, which picks a backend's
// operator; aten::linear calls addmm or matmul, which have other names. Inputs are valid at the start only,
// outputs at the end.
std::unique_ptr<at::ObserverContext> begin_operator(const at::RecordFunction& function) {
  const std::string_view name = function.name();
  if (name != "aten::convolution" && name != "aten::linear") return nullptr;
  const auto& weight = function.inputs()[1].toTensor();  // [out, …]: each output is a sum over the rest
  return std::make_unique<CostPerOutput>(weight.numel() / weight.size(0));
}

void end_operator(const at::RecordFunction& function, at::ObserverContext* context) {
  if (context == nullptr) return;
  counted += function.outputs()[0].toTensor().numel() * static_cast<CostPerOutput*>(context)->value;
}

class OperatorWatch {
 public:
  OperatorWatch()
      : handle_(at::addThreadLocalCallback(at::RecordFunctionCallback(begin_operator, end_operator)
                                               .needsInputs(true)
                                               .needsOutputs(true)
                                               .scopes({at::RecordScope::FUNCTION}))) {
    counted = 0;
  }
  ~OperatorWatch() { at::removeCallback(handle_); }
  OperatorWatch(const OperatorWatch&) = delete;
  OperatorWatch& operator=(const OperatorWatch&) = delete;

 private:
  at::CallbackHandle handle_;
};

}  // namespace

int64_t multiply_adds(Model& model) {
  const torch::NoGradGuard no_grad;
  const bool was_training = model.is_training();
  model.eval();
  const KernelsGuard guard(Kernels::kLibtorch);  // whose operators are recorded
  {
    const OperatorWatch watch;
    model.forward(torch::zeros({1, 3, kImageSize, kImageSize}));
  }
  model.train(was_training);
  return counted;
}

}  // namespace cifar10
