// Owns writing the figures of an evaluation.
#include "convert.h"
#include "write_js.h"

using namespace cifar10;

namespace {

Napi::Value counts_row(Napi::Env env, const std::array<int64_t, kClasses>& row) {
  return array_of(env, row,
                  [&](int64_t count) { return Napi::Number::New(env, static_cast<double>(count)); });
}

// One figure of every class, in the order of the labels.
Napi::Array of_classes(Napi::Env env, const Metrics& metrics, double ClassMetrics::* figure) {
  return array_of(env, metrics.per_class,
                  [&](const ClassMetrics& own) { return Napi::Number::New(env, own.*figure); });
}

Napi::Object from_top_k(Napi::Env env, const Metrics& metrics) {
  auto object = Napi::Object::New(env);
  for (size_t i = 0; i < kTopK.size(); ++i)
    object.Set(static_cast<uint32_t>(kTopK[i]), metrics.top_k_accuracy[i]);
  return object;
}

}  // namespace

Napi::Object from_metrics(Napi::Env env, const Metrics& metrics) {
  auto object = Napi::Object::New(env);
  object.Set("imageCount", metrics.image_count);
  object.Set("accuracy", metrics.accuracy);
  object.Set("topKAccuracy", from_top_k(env, metrics));
  object.Set("crossEntropy", metrics.cross_entropy);
  object.Set("expectedCalibrationError", metrics.expected_calibration_error);
  object.Set("macroPrecision", metrics.macro.precision);
  object.Set("macroRecall", metrics.macro.recall);
  object.Set("macroF1", metrics.macro.f1);
  object.Set("perClassPrecision", of_classes(env, metrics, &ClassMetrics::precision));
  object.Set("perClassAccuracy", of_classes(env, metrics, &ClassMetrics::recall));
  object.Set("perClassF1", of_classes(env, metrics, &ClassMetrics::f1));
  object.Set("confusionMatrix",
             array_of(env, metrics.confusion, [&](const auto& row) { return counts_row(env, row); }));
  return object;
}

Napi::Object from_evaluation(Napi::Env env, const Evaluation& evaluation) {
  auto object = from_metrics(env, evaluation.metrics);
  if (!evaluation.tta) return object;
  object.Set("ttaAccuracy", evaluation.tta->accuracy);
  object.Set("ttaCrossEntropy", evaluation.tta->cross_entropy);
  object.Set("ttaExpectedCalibrationError", evaluation.tta->expected_calibration_error);
  return object;
}
