// Owns the passage between JavaScript values and core structs: the only reader and writer of JavaScript
// objects. Values were validated in TypeScript; here only what would crash is checked again.
#pragma once

#include <napi.h>

#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "evaluation/evaluate.h"
#include "evaluation/predictor.h"
#include "models/model.h"
#include "training/trainer.h"

// options: { config, trainFiles, testFiles }, config as lib/config resolves it.
cifar10::TrainOptions to_train_options(const Napi::Object& options);
// options.resume, or null: nothing. See from_train_outcome for its form.
std::optional<cifar10::TrainingState> to_resume(const Napi::Object& options);
// options: { model, normalization, device, precision, threads, batchSize }
cifar10::PredictorOptions to_predictor_options(const Napi::Object& options);
cifar10::Precision to_precision(const Napi::Object& options, const char* key);
cifar10::UpdateOptions to_update_options(const Napi::Object& training);
// options.kernels: "auto", "own" or "libtorch"
cifar10::Kernels to_kernels(const Napi::Object& options);
cifar10::RuntimeOptions to_runtime_options(const Napi::Object& options);
cifar10::ModelOptions to_model_options(const Napi::Object& model);
cifar10::ScheduleOptions to_schedule_options(const Napi::Object& schedule);
cifar10::LoaderOptions to_loader_options(const Napi::Object& data_loading);
// options.padding: "reflect" or "zero"
cifar10::Padding to_padding(const Napi::Object& options);
// data_loading.validation: "none" or a fraction
std::optional<double> to_validation(const Napi::Object& data_loading);
cifar10::NormalizationOptions to_normalization_options(const Napi::Object& normalization);
std::vector<std::string> to_strings(const Napi::Value& value);

// [{ name, dtype: 'F32' | 'I64', shape, data: Uint8Array }] <-> tensors; the bytes are copied both ways.
std::vector<cifar10::NamedTensor> to_state(const Napi::Value& value);
// { name, dtype, shape }
Napi::Object from_layout(Napi::Env env, const std::string& name, const at::Tensor& tensor);
Napi::Array from_state(Napi::Env env, const std::vector<cifar10::NamedTensor>& state);

// images: Uint8Array of [N,32,32,3] interleaved pixels -> uint8 [N,3,32,32], channels-last, a copy.
at::Tensor to_images(const Napi::Value& value);
// float32, contiguous -> Float32Array, a copy.
Napi::Float32Array from_floats(Napi::Env env, const at::Tensor& tensor);

Napi::Object from_start(Napi::Env env, const cifar10::StartEvent& event);
Napi::Object from_step(Napi::Env env, const cifar10::StepEvent& event);
Napi::Object from_epoch(Napi::Env env, const cifar10::EpochEvent& event);
// `kept`: to be called when the listener has done what it does with the event.
Napi::Object from_kept_state(Napi::Env env, const cifar10::TrainingState& state, const Napi::Function& kept);
Napi::Object from_kept_best(Napi::Env env, int64_t epoch, const std::vector<cifar10::NamedTensor>& weights,
                            const Napi::Function& kept);
Napi::Object from_test_progress(Napi::Env env, int64_t done, int64_t total);
// NativeMetrics and NativeEvaluation of lib/native-addon.ts.
Napi::Object from_metrics(Napi::Env env, const cifar10::Metrics& metrics);
Napi::Object from_evaluation(Napi::Env env, const cifar10::Evaluation& evaluation);
// { end: 'finished', … }, { end: 'stopped', progress } or { end: 'diverged', … }: NativeTrainOutcome of
// lib/native-addon.ts
Napi::Object from_train_outcome(Napi::Env env, const cifar10::TrainOutcome& outcome);
