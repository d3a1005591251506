#include "inspect.h"

#include <ATen/ATen.h>
#include <ATen/Version.h>
#include <torch/cuda.h>
#include <torch/headeronly/version.h>

#include "convert.h"
#include "cpu_allocator.h"
#include "failure.h"
#include "kernels/choice.h"
#include "models/dropout.h"
#include "models/model.h"
#include "models/multiply_adds.h"
#include "runtime.h"
#include "training/schedule.h"

Napi::Value describe_model(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto options = to_model_options(info[0].As<Napi::Object>());
  auto description = Napi::Object::New(env);
  rethrow_coded(env, [&] {
    const auto model = cifar10::outline_model(options);
    description.Set("parameterCount", cifar10::parameter_count(*model));
    auto tensors = Napi::Array::New(env);
    for (const auto& [name, tensor] : cifar10::tensors_of(*model))
      tensors.Set(tensors.Length(), from_layout(env, name, tensor));
    description.Set("tensors", tensors);
  });
  return description;
}

Napi::Value count_multiply_adds(const Napi::CallbackInfo& info) {
  const auto options = to_model_options(info[0].As<Napi::Object>());
  double count = 0;
  rethrow_coded(info.Env(), [&] {
    count = static_cast<double>(cifar10::multiply_adds(*cifar10::make_model(options, 0)));
  });
  cifar10::release_cached_memory();  // of the forward pass
  return Napi::Number::New(info.Env(), count);
}

Napi::Value lr_factors(const Napi::CallbackInfo& info) {
  const auto schedule = to_schedule_options(info[0].As<Napi::Object>());
  const auto steps = info[1].ToNumber().Int64Value();
  const cifar10::RunLength length{steps, info[2].ToNumber().Int64Value()};
  auto factors = Napi::Array::New(info.Env());
  for (int64_t step = 0; step < steps; ++step)
    factors.Set(static_cast<uint32_t>(step), cifar10::lr_factor(schedule, step, length));
  return factors;
}

Napi::Value drop_ones(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto request = info[0].As<Napi::Object>();
  const auto number = [&](const char* key) { return request.Get(key).ToNumber(); };
  auto result = Napi::Array::New(env);
  rethrow_coded(env, [&] {
    torch::nn::Module model;
    std::vector<cifar10::Dropout> layers;
    for (const char* name : {"dropout1", "dropout2"})
      layers.push_back(model.register_module(name, cifar10::Dropout(number("rate").DoubleValue())));
    model.train(request.Get("isTraining").ToBoolean());
    cifar10::seed_dropout(model, static_cast<uint64_t>(number("seed").Int64Value()),
                          static_cast<uint64_t>(number("counter").Int64Value()));
    const auto ones = at::ones({number("size").Int64Value()});
    for (auto& layer : layers) result.Set(result.Length(), from_floats(env, layer->forward(ones)));
  });
  return result;
}

Napi::Value count_mappings(const Napi::CallbackInfo& info) {
  auto& allocator = cifar10::CachingCpuAllocator::instance();
  const auto before = allocator.mappings();
  rethrow_coded(info.Env(), [&] {
    for (const int64_t bytes : integers(info[0])) at::empty({bytes}, at::kByte);
  });
  return Napi::Number::New(info.Env(), static_cast<double>(allocator.mappings() - before));
}

Napi::Value runtime_info(const Napi::CallbackInfo& info) {
  auto result = Napi::Object::New(info.Env());
  result.Set("builtForLibtorch", TORCH_VERSION);
  result.Set("hasCuda", at::hasCUDA());
  result.Set("cudaDeviceCount", static_cast<double>(torch::cuda::device_count()));
  auto own_kernels = Napi::Object::New(info.Env());
  own_kernels.Set("bf16", cifar10::can_run_own_kernels(at::kBFloat16));
  own_kernels.Set("fp32", cifar10::can_run_own_kernels(at::kFloat));
  result.Set("canRunOwnKernels", own_kernels);
  result.Set("hasFastBf16", cifar10::has_fast_bf16());
  result.Set("cpuCapability", at::get_cpu_capability());
  return result;
}
