#include "inspect_kernels.h"

#include <cstring>

#include "convert.h"
#include "failure.h"
#include "kernels/batch_norm_act.h"
#include "kernels/conv3x3.h"
#include "read_js.h"
#include "runtime.h"
#include "torch_api.h"

namespace {

namespace kernels = cifar10::kernels;

// A request's float32 array of this shape, row-major, as a leaf of the graph; undefined where it is null.
at::Tensor leaf(const Napi::Object& request, const char* key, at::IntArrayRef shape, at::ScalarType dtype) {
  const auto value = field(request, key);
  if (value.IsNull()) return {};
  const auto floats = value.As<Napi::Float32Array>();
  auto tensor = at::empty(shape, at::kFloat);
  if (floats.ByteLength() != tensor.nbytes())
    throw Napi::TypeError::New(request.Env(), std::string("size of: ") + key);
  std::memcpy(tensor.data_ptr(), floats.Data(), tensor.nbytes());
  if (shape.size() == 4) tensor = tensor.contiguous(at::MemoryFormat::ChannelsLast);
  return tensor.to(dtype).set_requires_grad(true);
}

void set_floats(Napi::Object& object, const char* key, const at::Tensor& tensor) {
  if (tensor.defined())
    object.Set(key, from_floats(object.Env(), tensor.detach().to(at::kFloat).contiguous()));
}

void backward(const Napi::Object& request, const at::Tensor& result) {
  const auto gradient = leaf(request, "gradient", result.sizes(), result.scalar_type());
  result.backward(gradient.detach());
}

Napi::Object run_convolution(const Napi::Object& request, at::ScalarType dtype, bool pools) {
  const auto shape = integers(field(request, "shape"));
  const auto x = leaf(request, "x", shape, dtype);
  const auto weight = leaf(request, "weight", {integer(request, "out"), shape.at(1), 3, 3}, at::kFloat);
  const auto result = pools ? kernels::conv3x3_max_pool(x, weight) : kernels::conv3x3(x, weight);
  backward(request, result);
  auto answer = Napi::Object::New(request.Env());
  set_floats(answer, "result", result);
  set_floats(answer, "xGradient", x.grad());
  set_floats(answer, "weightGradient", weight.grad());
  return answer;
}

Napi::Object run_batch_norm_act(const Napi::Object& request, at::ScalarType dtype) {
  const auto shape = integers(field(request, "shape"));
  const int64_t channels = shape.at(1);
  const auto x = leaf(request, "x", shape, dtype);
  const auto residual = leaf(request, "residual", shape, dtype);
  const auto weight = leaf(request, "weight", {channels}, at::kFloat);
  const auto bias = leaf(request, "bias", {channels}, at::kFloat);
  const auto activation = one_of<kernels::Activation>(request, "activation",
                                                      {{"none", kernels::Activation::kNone},
                                                       {"relu", kernels::Activation::kRelu},
                                                       {"gelu", kernels::Activation::kGelu}});
  const auto mean = at::zeros({channels}), var = at::ones({channels});
  const kernels::BatchNormState state{
      weight, bias, mean, var, /*is_training=*/true, /*momentum=*/0.4, /*epsilon=*/1e-5};
  const auto result = kernels::batch_norm_act(x, residual, state, activation);
  backward(request, result);
  auto answer = Napi::Object::New(request.Env());
  set_floats(answer, "result", result);
  set_floats(answer, "xGradient", x.grad());
  if (residual.defined()) set_floats(answer, "residualGradient", residual.grad());
  set_floats(answer, "weightGradient", weight.grad());
  set_floats(answer, "biasGradient", bias.grad());
  set_floats(answer, "runningMean", mean);
  set_floats(answer, "runningVar", var);
  const torch::NoGradGuard no_grad;
  auto evaluation = state;
  evaluation.is_training = false;
  set_floats(answer, "evaluationResult", kernels::batch_norm_act(x, residual, evaluation, activation));
  return answer;
}

}  // namespace

Napi::Value run_kernel(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto request = info[0].As<Napi::Object>();
  enum class Operation { kConv3x3, kConv3x3MaxPool, kBatchNormAct };
  const auto operation = one_of<Operation>(request, "operation",
                                           {{"conv3x3", Operation::kConv3x3},
                                            {"conv3x3_max_pool", Operation::kConv3x3MaxPool},
                                            {"batch_norm_act", Operation::kBatchNormAct}});
  const auto dtype = cifar10::dtype_of(to_precision(request, "precision"));
  Napi::Object answer;
  rethrow_coded(env, [&] {
    cifar10::start_runtime(to_runtime_options(request));
    answer = operation == Operation::kBatchNormAct
                 ? run_batch_norm_act(request, dtype)
                 : run_convolution(request, dtype, operation == Operation::kConv3x3MaxPool);
  });
  return answer;
}
