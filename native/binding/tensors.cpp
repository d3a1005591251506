// Owns the passage of tensors, images and lists of text between JavaScript and the core; bytes are copied
// both ways.
#include <ATen/ATen.h>

#include <cstring>

#include "convert.h"
#include "failure.h"
#include "read_js.h"
#include "write_js.h"

using namespace cifar10;

namespace {

NamedTensor to_named_tensor(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  const auto data = child(object, "data").As<Napi::Uint8Array>();
  const auto dtype = one_of<at::ScalarType>(object, "dtype", {{"F32", at::kFloat}, {"I64", at::kLong}});
  auto tensor = at::empty(integers(field(object, "shape")), at::TensorOptions(dtype));
  if (tensor.nbytes() != data.ByteLength())
    throw Napi::TypeError::New(value.Env(), "tensor bytes do not fit its shape");
  std::memcpy(tensor.data_ptr(), data.Data(), data.ByteLength());
  return {text(object, "name"), tensor};
}

}  // namespace

std::vector<std::string> to_strings(const Napi::Value& value) {
  return elements<std::string>(value,
                               [](const Napi::Value& element) { return element.ToString().Utf8Value(); });
}

std::vector<NamedTensor> to_state(const Napi::Value& value) {
  std::vector<NamedTensor> state;
  // LibTorch throws for a shape that is negative or takes more memory than there is.
  rethrow_coded(value.Env(), [&] { state = elements<NamedTensor>(value, &to_named_tensor); });
  return state;
}

Napi::Object from_layout(Napi::Env env, const std::string& name, const at::Tensor& tensor) {
  auto object = Napi::Object::New(env);
  object.Set("name", name);
  object.Set("dtype", tensor.scalar_type() == at::kLong ? "I64" : "F32");
  object.Set("shape", array_of(env, tensor.sizes(), [&](int64_t side) {
               return Napi::Number::New(env, static_cast<double>(side));
             }));
  return object;
}

Napi::Array from_state(Napi::Env env, const std::vector<NamedTensor>& state) {
  return array_of(env, state, [&](const NamedTensor& item) {
    auto data = Napi::Uint8Array::New(env, item.tensor.nbytes());
    std::memcpy(data.Data(), item.tensor.const_data_ptr(), item.tensor.nbytes());
    auto object = from_layout(env, item.name, item.tensor);
    object.Set("data", data);
    return object;
  });
}

at::Tensor to_images(const Napi::Value& value) {
  constexpr int64_t kImageBytes = kImageSize * kImageSize * 3;
  const auto pixels = value.As<Napi::Uint8Array>();
  const auto bytes = static_cast<int64_t>(pixels.ByteLength());
  if (bytes == 0 || bytes % kImageBytes != 0)
    throw Napi::TypeError::New(value.Env(), "expected whole 32x32 RGB images");
  auto images = at::empty({bytes / kImageBytes, kImageSize, kImageSize, 3}, at::TensorOptions(at::kByte));
  std::memcpy(images.data_ptr(), pixels.Data(), pixels.ByteLength());
  return images.permute({0, 3, 1, 2});
}

Napi::Float32Array from_floats(Napi::Env env, const at::Tensor& tensor) {
  auto floats = Napi::Float32Array::New(env, static_cast<size_t>(tensor.numel()));
  std::memcpy(floats.Data(), tensor.const_data_ptr(), tensor.nbytes());
  return floats;
}
