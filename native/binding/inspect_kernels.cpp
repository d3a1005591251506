#include "inspect_kernels.h"

#include <torch/csrc/autograd/autograd.h>

#include <cstring>
#include <functional>

#include "convert.h"
#include "failure.h"
#include "kernels/batch_norm_act.h"
#include "kernels/conv3x3.h"
#include "models/blocks.h"
#include "random.h"
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

at::Tensor gradient_of(const Napi::Object& request, const char* key, const at::Tensor& result) {
  return leaf(request, key, result.sizes(), result.scalar_type()).detach();
}

kernels::Activation to_activation(const Napi::Object& request) {
  return one_of<kernels::Activation>(request, "activation",
                                     {{"none", kernels::Activation::kNone},
                                      {"relu", kernels::Activation::kRelu},
                                      {"gelu", kernels::Activation::kGelu}});
}

// convolve(x, weight) -> the result, and x again where there is a shortcut.
using Convolve = std::function<kernels::WithShortcut(const at::Tensor& x, const at::Tensor& weight)>;

Convolve alone(at::Tensor (*convolve)(const at::Tensor& x, const at::Tensor& weight)) {
  return [=](const auto& x, const auto& weight) { return kernels::WithShortcut{convolve(x, weight), {}}; };
}

Napi::Object run_convolution(const Napi::Object& request, at::ScalarType dtype, const Convolve& convolve) {
  const auto shape = integers(field(request, "shape"));
  const auto x = leaf(request, "x", shape, dtype);
  const auto weight = leaf(request, "weight", {integer(request, "out"), shape.at(1), 3, 3}, at::kFloat);
  const auto [result, shortcut] = convolve(x, weight);
  std::vector<at::Tensor> outputs{result}, gradients{gradient_of(request, "gradient", result)};
  if (shortcut.defined()) {
    outputs.push_back(shortcut);
    gradients.push_back(gradient_of(request, "shortcutGradient", shortcut));
  }
  torch::autograd::backward(outputs, gradients);
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
  const auto activation = to_activation(request);
  const auto mean = at::zeros({channels}), var = at::ones({channels});
  const kernels::BatchNormState state{
      weight, bias, mean, var, /*is_training=*/true, /*momentum=*/0.4, /*epsilon=*/1e-5};
  const auto result = kernels::batch_norm_act(x, residual, state, activation);
  result.backward(gradient_of(request, "gradient", result));
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

Napi::Object run_conv_norm(const Napi::Object& request, at::ScalarType dtype, bool pools) {
  const torch::NoGradGuard no_grad;
  const auto shape = integers(field(request, "shape"));
  const int64_t in = shape.at(1), out = integer(request, "out");
  auto generator = cifar10::make_generator(0, cifar10::RandomStream::kInit, 0);
  auto conv = cifar10::conv3x3(in, out, 1, generator);
  auto norm = cifar10::BatchNorm(out, cifar10::BatchNormOptions{.momentum = 0.1, .epsilon = 1e-5}, generator);
  norm->eval();
  conv->weight.copy_(leaf(request, "weight", {out, in, 3, 3}, at::kFloat));
  const auto values = leaf(request, "norm", {4, out}, at::kFloat);
  norm->weight.copy_(values[0]);
  norm->bias.copy_(values[1]);
  norm->running_mean.copy_(values[2]);
  norm->running_var.copy_(values[3]);
  const auto x = leaf(request, "x", shape, dtype);
  const auto residual = leaf(request, "residual", {shape.at(0), out, shape.at(2), shape.at(3)}, dtype);
  const auto activation = to_activation(request);
  cifar10::ConvNorm both(conv, norm);
  const auto result = [&] {
    return pools ? both.forward_max_pool(x, activation) : both.forward(x, activation, residual);
  };
  auto answer = Napi::Object::New(request.Env());
  set_floats(answer, "result", result());
  conv->weight.mul_(2);
  set_floats(answer, "withOtherWeights", result());
  norm->running_mean.mul_(2);
  set_floats(answer, "withOtherMeans", result());
  norm->train();
  result();  // moves the running statistics
  norm->eval();
  set_floats(answer, "afterTraining", result());
  return answer;
}

}  // namespace

Napi::Value run_kernel(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto request = info[0].As<Napi::Object>();
  using Run = std::function<Napi::Object(at::ScalarType dtype)>;
  const auto run = one_of<Run>(
      request, "operation",
      {{"conv3x3", [&](auto dtype) { return run_convolution(request, dtype, alone(kernels::conv3x3)); }},
       {"conv3x3_max_pool",
        [&](auto dtype) { return run_convolution(request, dtype, alone(kernels::conv3x3_max_pool)); }},
       {"conv3x3_stride2",
        [&](auto dtype) { return run_convolution(request, dtype, alone(kernels::conv3x3_stride2)); }},
       {"conv3x3_with_shortcut",
        [&](auto dtype) { return run_convolution(request, dtype, kernels::conv3x3_with_shortcut); }},
       {"conv_norm", [&](auto dtype) { return run_conv_norm(request, dtype, /*pools=*/false); }},
       {"conv_norm_max_pool", [&](auto dtype) { return run_conv_norm(request, dtype, /*pools=*/true); }},
       {"batch_norm_act", [&](auto dtype) { return run_batch_norm_act(request, dtype); }}});
  const auto dtype = cifar10::dtype_of(to_precision(request, "precision"));
  Napi::Object answer;
  rethrow_coded(env, [&] {
    cifar10::start_runtime(to_runtime_options(request));
    answer = run(dtype);
  });
  return answer;
}
