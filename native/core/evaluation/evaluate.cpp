#include "evaluation/evaluate.h"

#include <algorithm>

#include "data/augment.h"
#include "torch_api.h"

namespace cifar10 {
namespace {

constexpr int64_t kShift = 1;  // pixels of reflect padding around the shifted views

// The whole batch shifted by (−kShift…kShift) along the diagonal, and mirrored or not.
at::Tensor view_of(const at::Tensor& images, int64_t shift, bool mirrored) {
  const auto index = torch::arange(images.size(0), images.options().dtype(torch::kInt64));
  const auto offset = torch::full_like(index, shift + kShift);
  const auto flip = torch::full_like(index, mirrored, torch::kBool);
  return crop_and_flip(images, {index, offset, offset, flip}, kShift, Padding::kReflect);
}

Logits batch_logits(Model& model, const at::Tensor& images, const EvaluateOptions& options,
                    const std::atomic<bool>& stop) {
  const auto logits = [&](int64_t shift, bool mirrored) {
    if (stop) throw Stopped{};  // a view of a large net takes seconds
    const auto view = shift == 0 && !mirrored ? images : view_of(images, shift, mirrored);
    return model.forward(normalize(view, options.normalization, options.dtype));
  };
  const auto plain = logits(0, false);
  if (options.tta_level == 0) return {plain, plain};
  const auto centre = plain.add(logits(0, true)).div(2);
  if (options.tta_level == 1) return {plain, centre};
  const auto mirrored_mean = [&](int64_t shift) {
    return logits(shift, false).add(logits(shift, true)).div(2);
  };
  const auto shifted = mirrored_mean(-kShift).add(mirrored_mean(kShift)).div(2);
  return {plain, centre.add(shifted).div(2)};
}

}  // namespace

Logits predict_logits(Model& model, const at::Tensor& images, const EvaluateOptions& options,
                      const std::atomic<bool>& stop, const EvaluateProgress& progress) {
  const c10::InferenceMode inference;
  model.eval();
  std::vector<at::Tensor> plain, augmented;
  const int64_t total = images.size(0);
  for (int64_t begin = 0; begin < total; begin += options.batch_size) {
    const int64_t count = std::min(options.batch_size, total - begin);
    const auto logits = batch_logits(model, images.narrow(0, begin, count), options, stop);
    plain.push_back(logits.plain);
    augmented.push_back(logits.augmented);
    if (progress) progress(begin + count, total);
  }
  return {torch::cat(plain), torch::cat(augmented)};
}

Evaluation evaluate(Model& model, const Dataset& dataset, const EvaluateOptions& options,
                    const std::atomic<bool>& stop, const EvaluateProgress& progress) {
  const auto logits = predict_logits(model, dataset.images, options, stop, progress);
  Evaluation evaluation{compute_metrics(logits.plain, dataset.labels), std::nullopt};
  if (options.tta_level > 0) evaluation.tta = compute_metrics(logits.augmented, dataset.labels);
  return evaluation;
}

}  // namespace cifar10
