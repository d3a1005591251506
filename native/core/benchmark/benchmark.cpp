#include "benchmark/benchmark.h"

#include <algorithm>

#include "data/loader.h"
#include "evaluation/evaluate.h"
#include "models/model.h"
#include "random.h"
#include "runtime.h"
#include "stopwatch.h"
#include "torch_api.h"
#include "training/updater.h"

namespace cifar10 {
namespace {

constexpr uint64_t kSeed = 0;

// As many images as a batch; noise costs what photographs cost.
Dataset synthetic_images(int64_t count, at::Device device) {
  auto generator = make_generator(kSeed, RandomStream::kEpoch, 0);
  const auto images = at::randint(0, 256, {count, 3, kImageSize, kImageSize}, generator, at::kByte);
  const auto labels = at::randint(0, kClasses, {count}, generator, at::kLong);
  return Dataset{images.contiguous(at::MemoryFormat::ChannelsLast), labels}.to(device);
}

void wait_for(const Runtime& runtime) {
  if (runtime.device.is_cuda()) torch::cuda::synchronize();
}

// A recipe's step with a learning rate of zero: the weights stay finite, the work is the same.
std::vector<StepSeconds> time_training(const BenchmarkOptions& options, const Runtime& runtime, Model& model,
                                       const Dataset& images, const std::atomic<bool>& stop) {
  TrainLoader loader(images, options.loader, options.normalization, runtime.dtype, kSeed);
  Updater updater(model, options.update, runtime.dtype, kSeed, [&] {
    auto average = make_model(options.model, kSeed);
    average->to(runtime.device);
    return average;
  });
  // Most steps of a training come after it is frozen.
  if (auto parameter = model.short_lived().parameter; parameter.defined()) parameter.set_requires_grad(false);
  std::vector<StepSeconds> steps;
  for (int64_t step = 0; step < options.steps; ++step) {
    if (stop) throw Stopped{};
    loader.start_epoch(step);
    Stopwatch watch;
    const auto batch = loader.batch(0);
    wait_for(runtime);
    const double augment = watch.lap();
    const auto spent = updater.update(batch, {step, options.steps, {0, 0}}).seconds;
    wait_for(runtime);
    const double rest = watch.seconds() - spent.forward - spent.backward;
    steps.push_back({augment, spent.forward, spent.backward, rest});
  }
  return steps;
}

std::vector<StepSeconds> time_inference(const BenchmarkOptions& options, const Runtime& runtime, Model& model,
                                        const Dataset& images, const std::atomic<bool>& stop) {
  const c10::InferenceMode inference;
  model.eval();
  std::vector<StepSeconds> steps;
  for (int64_t step = 0; step < options.steps; ++step) {
    if (stop) throw Stopped{};
    Stopwatch watch;
    const auto normalized = normalize(images.images, options.normalization, runtime.dtype);
    wait_for(runtime);
    const double augment = watch.lap();
    model.forward(normalized);
    wait_for(runtime);
    steps.push_back({augment, watch.seconds(), 0, 0});
  }
  return steps;
}

// FLOP/s of the best of a few runs of one 3x3 convolution.
double convolution_rate(const Runtime& runtime, int64_t images, int64_t channels, int64_t side) {
  constexpr int kRuns = 6;
  const auto options = at::TensorOptions(runtime.device).dtype(runtime.dtype);
  const auto x = at::ones({images, channels, side, side}, options).contiguous(at::MemoryFormat::ChannelsLast);
  const auto weight =
      at::ones({channels, channels, 3, 3}, options).contiguous(at::MemoryFormat::ChannelsLast);
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    const Stopwatch watch;
    at::conv2d(x, weight, {}, /*stride=*/1, /*padding=*/1);
    wait_for(runtime);
    best = std::max(best, 2.0 * 9 * static_cast<double>(x.numel() * channels) / watch.seconds());
  }
  return best;
}

double convolution_peak(const Runtime& runtime) {
  const c10::InferenceMode inference;
  return std::max({convolution_rate(runtime, 256, 64, 16), convolution_rate(runtime, 256, 128, 16),
                   convolution_rate(runtime, 512, 256, 8)});
}

}  // namespace

Benchmark benchmark(const BenchmarkOptions& options, const std::atomic<bool>& stop) {
  struct ReleaseMemory {
    ~ReleaseMemory() { release_cached_memory(); }
  } release;
  const auto runtime = start_runtime(options.runtime);
  const auto model = make_model(options.model, kSeed);
  model->to(runtime.device);
  const auto images = synthetic_images(options.loader.batch_size, runtime.device);
  auto steps = options.trains ? time_training(options, runtime, *model, images, stop)
                              : time_inference(options, runtime, *model, images, stop);
  return {runtime.device.str(), runtime.threads, std::move(steps), convolution_peak(runtime)};
}

}  // namespace cifar10
