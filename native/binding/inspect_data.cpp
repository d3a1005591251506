#include "inspect_data.h"

#include <ATen/ATen.h>

#include <cstring>

#include "convert.h"
#include "data/auto_augment.h"
#include "data/color.h"
#include "data/erase.h"
#include "data/loader.h"
#include "data/mix.h"
#include "data/policy_operations.h"
#include "failure.h"
#include "read_js.h"
#include "write_js.h"

namespace {

// int64 [N] of a list of numbers or of booleans.
at::Tensor to_integers(const Napi::Value& value) { return at::tensor(integers(value), at::kLong); }

Napi::Array from_integers(Napi::Env env, const at::Tensor& values) {
  Napi::Array array = Napi::Array::New(env, static_cast<size_t>(values.size(0)));
  const auto read = values.accessor<int64_t, 1>();
  for (int64_t i = 0; i < values.size(0); ++i)
    array.Set(static_cast<uint32_t>(i), static_cast<double>(read[i]));
  return array;
}

Napi::Float32Array from_values(Napi::Env env, const at::Tensor& values) {
  return from_floats(env, values.to(at::kFloat).contiguous());
}

cifar10::NormalizationOptions normalization_of(const Napi::Object& data_loading) {
  return to_normalization_options(child(data_loading, "normalization"));
}

uint64_t seed_of(const Napi::Object& request) { return static_cast<uint64_t>(integer(request, "seed")); }

at::Tensor crop_and_flip(const Napi::Object& request, const at::Tensor& images) {
  const cifar10::Placement placement{at::arange(images.size(0), at::kLong), to_integers(request.Get("dy")),
                                     to_integers(request.Get("dx")),
                                     to_integers(request.Get("flip")).to(at::kBool)};
  return cifar10::crop_and_flip(images, placement, integer(request, "translate"), to_padding(request));
}

at::Tensor adjust_color(const Napi::Object& request, const at::Tensor& images) {
  const auto factor = [&](const char* key) {
    if (field(request, key).IsNull()) return at::Tensor();
    return at::full({images.size(0)}, number(request, key), at::kFloat);
  };
  return cifar10::adjust_color(cifar10::scale_pixels(images), {factor("brightness"), factor("contrast"),
                                                               factor("saturation"), factor("hue")});
}

at::Tensor mix(const Napi::Object& request, const at::Tensor& images) {
  const auto box = field(request, "box");
  const cifar10::Mix mix{.lambda = number(request, "lambda"),
                         .partner = to_integers(request.Get("partner")),
                         .box = box.IsNull() ? at::Tensor() : to_integers(box).view({1, 4})};
  return cifar10::mix_images(images.to(at::kFloat), mix);
}

at::Tensor apply(const Napi::Object& request, const at::Tensor& images) {
  using cifar10::Operation;
  const auto name = text(request, "operation");
  if (name == "crop_and_flip") return crop_and_flip(request, images);
  if (name == "adjust_color") return adjust_color(request, images);
  if (name == "erase")
    return cifar10::erase(images.to(at::kFloat), to_integers(request.Get("boxes")).view({-1, 4}));
  if (name == "mix") return mix(request, images);
  const auto operation = one_of<Operation>(request, "operation",
                                           {{"identity", Operation::kIdentity},
                                            {"shear_x", Operation::kShearX},
                                            {"shear_y", Operation::kShearY},
                                            {"translate_x", Operation::kTranslateX},
                                            {"translate_y", Operation::kTranslateY},
                                            {"rotate", Operation::kRotate},
                                            {"brightness", Operation::kBrightness},
                                            {"color", Operation::kColor},
                                            {"contrast", Operation::kContrast},
                                            {"sharpness", Operation::kSharpness},
                                            {"posterize", Operation::kPosterize},
                                            {"solarize", Operation::kSolarize},
                                            {"auto_contrast", Operation::kAutoContrast},
                                            {"equalize", Operation::kEqualize}});
  const auto magnitude = at::full({images.size(0)}, number(request, "magnitude"), at::kDouble);
  return cifar10::apply_operation(operation, images, magnitude);
}

// uint8 [E,N,3,32,32]: each image of the dataset, in its order, in each epoch.
at::Tensor epochs_of(const cifar10::Dataset& dataset, const Napi::Object& request) {
  const auto data_loading = child(request, "dataLoading");
  const auto normalization = normalization_of(data_loading);
  auto options = to_loader_options(data_loading);
  options.batch_size = dataset.size();
  cifar10::TrainLoader loader(dataset, options, normalization, at::kFloat, seed_of(request));
  std::vector<at::Tensor> epochs;
  for (int64_t epoch = 0; epoch < integer(request, "epochs"); ++epoch) {
    loader.start_epoch(epoch);
    const auto pixels = cifar10::denormalize(loader.batch(0).images, normalization);
    epochs.push_back(at::empty_like(pixels).index_copy_(0, loader.order(), pixels));
  }
  return at::stack(epochs);
}

}  // namespace

Napi::Value train_batch(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto request = info[0].As<Napi::Object>();
  const auto data_loading = child(request, "dataLoading");
  auto result = Napi::Object::New(env);
  rethrow_coded(env, [&] {
    cifar10::TrainLoader loader(cifar10::read_records(to_strings(request.Get("files"))),
                                to_loader_options(data_loading), normalization_of(data_loading), at::kFloat,
                                seed_of(request));
    loader.start_epoch(integer(request, "epoch"));
    const auto batch = loader.batch(integer(request, "index"));
    result.Set("images", from_values(env, batch.images));
    result.Set("labels", from_integers(env, batch.labels));
    result.Set("targets", batch.targets.defined() ? from_values(env, batch.targets) : env.Null());
  });
  return result;
}

Napi::Value split_rows(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto request = info[0].As<Napi::Object>();
  auto result = Napi::Object::New(env);
  rethrow_coded(env, [&] {
    const auto rows = cifar10::split_rows(to_integers(request.Get("labels")), number(request, "fraction"),
                                          seed_of(request));
    result.Set("train", from_integers(env, rows.train));
    result.Set("val", from_integers(env, rows.val));
  });
  return result;
}

Napi::Value preview_epochs(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto request = info[0].As<Napi::Object>();
  auto result = Napi::Object::New(env);
  rethrow_coded(env, [&] {
    const auto all = cifar10::read_records(to_strings(request.Get("files")));
    const auto count = std::min(integer(request, "images"), all.size());
    const cifar10::Dataset dataset{all.images.narrow(0, 0, count), all.labels.narrow(0, 0, count)};
    const auto columns = at::cat({dataset.images.unsqueeze(0), epochs_of(dataset, request)});
    const auto pixels = columns.permute({1, 0, 3, 4, 2}).contiguous();  // [N,1 + E,32,32,3]
    auto bytes = Napi::Uint8Array::New(env, pixels.nbytes());
    std::memcpy(bytes.Data(), pixels.const_data_ptr(), pixels.nbytes());
    result.Set("pixels", bytes);
    result.Set("labels", from_integers(env, dataset.labels));
  });
  return result;
}

Napi::Value apply_augmentation(const Napi::CallbackInfo& info) {
  const auto request = info[0].As<Napi::Object>();
  Napi::Value result;
  rethrow_coded(info.Env(),
                [&] { result = from_values(info.Env(), apply(request, to_images(request.Get("images")))); });
  return result;
}

Napi::Value policy_magnitudes(const Napi::CallbackInfo& info) {
  const bool wide = info[0].ToString().Utf8Value() == "trivial_augment";
  return from_values(info.Env(), cifar10::magnitude_table(wide));
}
