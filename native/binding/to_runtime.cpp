// Owns reading where a model runs.
#include "convert.h"
#include "read_js.h"

using namespace cifar10;

Precision to_precision(const Napi::Object& options, const char* key) {
  return one_of<Precision>(options, key, {{"bf16", Precision::kBf16}, {"fp32", Precision::kFp32}});
}

Kernels to_kernels(const Napi::Object& options) {
  return one_of<Kernels>(
      options, "kernels",
      {{"auto", Kernels::kAuto}, {"own", Kernels::kOwn}, {"libtorch", Kernels::kLibtorch}});
}

RuntimeOptions to_runtime_options(const Napi::Object& options) {
  return {.device = one_of<DeviceChoice>(
              options, "device",
              {{"auto", DeviceChoice::kAuto}, {"cpu", DeviceChoice::kCpu}, {"cuda", DeviceChoice::kCuda}}),
          .precision = to_precision(options, "precision"),
          .threads = integer(options, "threads"),
          .kernels = to_kernels(options),
          .max_winograd_tile = integer(options, "maxWinogradTile")};
}

PredictorOptions to_predictor_options(const Napi::Object& options) {
  return {.model = to_model_options(child(options, "model")),
          .normalization = to_normalization_options(child(options, "normalization")),
          .runtime = to_runtime_options(options),
          .batch_size = integer(options, "batchSize")};
}
