#include "kernels/fused_batch_norm_act.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "kernels/norm_act.h"
#include "kernels/share.h"
#include "kernels/tensor_memory.h"
#include "torch_api.h"

namespace cifar10::kernels {
namespace {

using norm_act::bf16;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

int64_t rows_of(const at::Tensor& x) { return x.size(0) * x.size(2) * x.size(3); }

// What work(sums, begin, end) adds up over `rows`, [2,channels]. Parts of a fixed size have sums of their
// own, added in their order: the result does not depend on the threads.
template <class Work>
at::Tensor share_sums(int64_t rows, int64_t channels, const Work& work) {
  constexpr int64_t kRowsOfPart = 4096;
  const int64_t parts = (rows + kRowsOfPart - 1) / kRowsOfPart;
  const auto sums = at::zeros({parts, 2, channels}, at::kDouble);
  auto* const values = sums.mutable_data_ptr<double>();
  share(parts, 1, [&] {
    return [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part)
        work(values + part * 2 * channels, part * kRowsOfPart, std::min(rows, (part + 1) * kRowsOfPart));
    };
  });
  for (int64_t part = 1; part < parts; ++part)
    for (int64_t i = 0; i < 2 * channels; ++i) values[i] += values[part * 2 * channels + i];
  return sums[0];
}

// Calls work(begin, end) for parts of `rows`.
template <class Work>
void share_rows(int64_t rows, const Work& work) {
  constexpr int64_t kUnit = 64;
  share(rows, kUnit, [&] { return [&](int64_t begin, int64_t end) { work(begin, end); }; });
}

struct Statistics {
  at::Tensor mean;  // float32 [C], as all of them
  at::Tensor var;   // of the batch, biased
};

Statistics measure(const at::Tensor& x) {
  const int64_t rows = rows_of(x), channels = x.size(1);
  const auto shift = x.select(3, 0).select(2, 0).select(0, 0).to(at::kFloat).contiguous();
  const auto sums = share_sums(rows, channels, [&](double* own, int64_t begin, int64_t end) {
    norm_act::gather_statistics(read<bf16>(x), shift.const_data_ptr<float>(), channels, own, begin, end);
  });
  const auto mean = sums[0].div(rows);
  return {mean.add(shift).to(at::kFloat), sums[1].div(rows).sub(mean.square()).clamp_min(0).to(at::kFloat)};
}

void update_running(const BatchNormState& state, const Statistics& batch, int64_t rows) {
  const double unbiased = static_cast<double>(rows) / static_cast<double>(rows - 1);
  state.running_mean.mul_(1 - state.momentum).add_(batch.mean, state.momentum);
  state.running_var.mul_(1 - state.momentum).add_(batch.var, state.momentum * unbiased);
}

// x · scale + offset is the batch norm of x.
struct Affine {
  at::Tensor scale;
  at::Tensor offset;
  at::Tensor inverse_std;
};

Affine affine_of(const BatchNormState& state, const Statistics& statistics) {
  const auto inverse_std = statistics.var.add(state.epsilon).rsqrt();
  const auto scale = inverse_std.mul(state.weight);
  return {scale, at::addcmul(state.bias, statistics.mean, scale, -1), inverse_std};
}

norm_act::Layer layer_of(const at::Tensor& x, const at::Tensor& residual, const Affine& affine,
                         Activation activation) {
  return {read<bf16>(x),
          read<bf16>(residual),
          affine.scale.const_data_ptr<float>(),
          affine.offset.const_data_ptr<float>(),
          x.size(1),
          activation};
}

at::Tensor apply_layer(const norm_act::Layer& layer, const at::Tensor& x) {
  const auto y = at::empty_like(x);
  share_rows(rows_of(x),
             [&](int64_t begin, int64_t end) { norm_act::apply(layer, write<bf16>(y), begin, end); });
  return y;
}

class BatchNormAct : public torch::autograd::Function<BatchNormAct> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const std::optional<at::Tensor>& residual, const at::Tensor& weight,
                            const at::Tensor& bias, const BatchNormState& state, Activation activation) {
    (void)weight, (void)bias;  // of the state: given again so that they are differentiated
    const auto batch = measure(x);
    update_running(state, batch, rows_of(x));
    const auto affine = affine_of(state, batch);
    const auto other = residual.value_or(at::Tensor());
    context->save_for_backward({x, other, affine.scale, affine.offset, affine.inverse_std, batch.mean});
    context->saved_data["activation"] = static_cast<int64_t>(activation);
    return apply_layer(layer_of(x, other, affine, activation), x);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    TORCH_CHECK(!at::GradMode::is_enabled(), "batch_norm_act has no second derivative");
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &residual = saved[1], &mean = saved[5];
    const Affine affine{saved[2], saved[3], saved[4]};
    const auto activation = static_cast<Activation>(context->saved_data["activation"].toInt());
    const auto layer = layer_of(x, residual, affine, activation);
    const auto gradient = gradients[0].contiguous(kChannelsLast);
    const int64_t rows = rows_of(x);
    const auto sums = share_sums(rows, x.size(1), [&](double* own, int64_t begin, int64_t end) {
      norm_act::gather_gradients(layer, read<bf16>(gradient), mean.const_data_ptr<float>(), own, begin, end);
    });
    const auto slope = affine.scale.mul(affine.inverse_std.square()).mul(sums[1]).div(-rows).to(at::kFloat);
    const auto constant = affine.scale.mul(sums[0]).div(-rows).sub(slope.mul(mean)).to(at::kFloat);
    const auto x_gradient = at::empty_like(x);
    const auto residual_gradient = residual.defined() ? at::empty_like(x) : at::Tensor();
    const norm_act::InputGradient result{slope.const_data_ptr<float>(), constant.const_data_ptr<float>(),
                                         write<bf16>(x_gradient), write<bf16>(residual_gradient)};
    share_rows(rows, [&](int64_t begin, int64_t end) {
      norm_act::spread_gradients(layer, read<bf16>(gradient), result, begin, end);
    });
    return {x_gradient,
            residual_gradient,
            affine.inverse_std.mul(sums[1]).to(at::kFloat),
            sums[0].to(at::kFloat),
            at::Tensor(),
            at::Tensor()};
  }
};

}  // namespace

at::Tensor fused_batch_norm_act(const at::Tensor& x, const at::Tensor& residual, const BatchNormState& state,
                                Activation activation) {
  const auto dense = x.contiguous(kChannelsLast);
  const auto other = residual.defined() ? residual.contiguous(kChannelsLast) : residual;
  if (!state.is_training) {
    const auto affine = affine_of(state, {state.running_mean, state.running_var});
    return apply_layer(layer_of(dense, other, affine, activation), dense);
  }
  const auto optional = other.defined() ? std::optional<at::Tensor>(other) : std::nullopt;
  return BatchNormAct::apply(dense, optional, state.weight, state.bias, state, activation);
}

}  // namespace cifar10::kernels
