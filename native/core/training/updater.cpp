#include "training/updater.h"

#include <cmath>

#include "error.h"
#include "evaluation/metrics.h"
#include "models/dropout.h"
#include "stopwatch.h"
#include "torch_api.h"
#include "training/divergence.h"
#include "training/named_state.h"

namespace cifar10 {
namespace {

constexpr const char* kOptimizer = "optimizer.";
constexpr const char* kEma = "ema.";
constexpr const char* kLookahead = "lookahead.";

void refuse(const char* prefix, const std::vector<NamedTensor>& state, bool is_wanted) {
  if (is_wanted || without_prefix(prefix, state).empty()) return;
  throw Error("CHECKPOINT_MISMATCH",
              std::string("state to resume with: expected no tensor of \"") + prefix + "\", found some",
              "resume with the configuration that the training was started with");
}

Batch part_of(const Batch& batch, int64_t begin, int64_t count) {
  Batch part = batch;
  part.images = batch.images.narrow(0, begin, count);
  part.labels = batch.labels.narrow(0, begin, count);
  if (batch.targets.defined()) part.targets = batch.targets.narrow(0, begin, count);
  return part;
}

}  // namespace

Updater::Updater(Model& model, const UpdateOptions& options, at::ScalarType dtype, uint64_t seed,
                 const std::function<std::shared_ptr<Model>()>& make_model)
    : model_(model), options_(options), seed_(seed), optimizer_(model, options.optimizer, dtype) {
  if (options.ema_decay) ema_.emplace(make_model(), *options.ema_decay);
  if (options.lookahead) lookahead_.emplace(model, *options.lookahead);
}

UpdateOutcome Updater::update(const Batch& batch, const UpdateMoment& moment) {
  const int64_t step = moment.step + 1;
  model_.train();
  optimizer_.zero_grad();
  const auto outcome = backward(batch, moment);
  if (!std::isfinite(outcome.loss))
    throw diverged("loss", outcome.loss, step, peak_lr() * moment.factors.all, moment.factors.all);
  if (options_.gradient_clip_norm) optimizer_.clip_gradients(*options_.gradient_clip_norm);
  optimizer_.step(moment.factors, step);
  if (lookahead_) lookahead_->update(model_, step, moment.steps);
  if (ema_) ema_->update(model_);
  return outcome;
}

// Leaves in the parameters the gradient of the whole batch's loss, whatever the number of parts.
UpdateOutcome Updater::backward(const Batch& batch, const UpdateMoment& moment) {
  const int64_t images = batch.labels.size(0);
  const int64_t part_size = (images + options_.accumulation_steps - 1) / options_.accumulation_steps;
  const bool sums = options_.loss_reduction == LossReduction::kSum;
  std::vector<at::Tensor> logits;
  double total = 0;
  UpdateSeconds seconds;
  for (int64_t begin = 0, part = 0; begin < images; begin += part_size, ++part) {
    const int64_t count = std::min(part_size, images - begin);
    Stopwatch watch;
    const auto piece = part_of(batch, begin, count);
    seed_dropout(model_, seed_, static_cast<uint64_t>(moment.step * options_.accumulation_steps + part));
    logits.push_back(model_.forward(piece.images));
    const double share = static_cast<double>(count) / static_cast<double>(images);
    auto loss = loss_of(logits.back(), piece);
    if (!sums && share < 1) loss = loss * share;
    seconds.forward += watch.lap();
    loss.backward();
    seconds.backward += watch.lap();
    total += loss.item<double>();
    logits.back() = logits.back().detach();
  }
  const auto all = logits.size() == 1 ? logits.front() : torch::cat(logits);
  UpdateOutcome outcome{.loss = sums ? total / static_cast<double>(images) : total,
                        .accuracy = std::nullopt,
                        .logits = all,
                        .seconds = seconds};
  if (!batch.targets.defined()) outcome.accuracy = accuracy(all, batch.labels);
  return outcome;
}

at::Tensor Updater::loss_of(const at::Tensor& logits, const Batch& batch) const {
  const auto reduction =
      options_.loss_reduction == LossReduction::kSum ? at::Reduction::Sum : at::Reduction::Mean;
  const auto& targets = batch.targets.defined() ? batch.targets : batch.labels;
  return at::cross_entropy_loss(logits, targets, {}, reduction, /*ignore_index=*/-100,
                                options_.label_smoothing);
}

double Updater::peak_lr() const {
  return std::visit([](const auto& chosen) { return chosen.lr; }, options_.optimizer);
}

Model& Updater::evaluated() { return ema_ ? ema_->model() : model_; }

void Updater::finish(int64_t step) {
  if (!lookahead_) return;
  lookahead_->finish(model_, step);
  if (ema_) ema_->update(model_);
}

std::vector<NamedTensor> Updater::state() const {
  auto state = with_prefix(kOptimizer, optimizer_.state());
  if (ema_) append(state, with_prefix(kEma, ema_->state()));
  if (lookahead_) append(state, with_prefix(kLookahead, lookahead_->state()));
  return state;
}

void Updater::load_state(const std::vector<NamedTensor>& state, bool has_stepped) {
  const torch::NoGradGuard no_grad;
  refuse(kEma, state, ema_.has_value());
  refuse(kLookahead, state, lookahead_.has_value());
  optimizer_.load_state(without_prefix(kOptimizer, state), has_stepped);
  if (ema_) ema_->load_state(without_prefix(kEma, state), has_stepped);
  if (lookahead_) lookahead_->load_state(without_prefix(kLookahead, state));
}

}  // namespace cifar10
