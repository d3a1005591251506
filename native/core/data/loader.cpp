#include "data/loader.h"

#include <algorithm>

#include "data/erase.h"
#include "data/mix.h"
#include "error.h"
#include "random.h"
#include "torch_api.h"

namespace cifar10 {

EpochDraws EpochDraws::narrow(int64_t begin, int64_t count) const {
  const auto part = [&](const at::Tensor& all) { return all.defined() ? all.narrow(0, begin, count) : all; };
  return {.placement = {part(placement.index), part(placement.dy), part(placement.dx), part(placement.flip)},
          .policy = {part(policy.operation), part(policy.magnitude)},
          .color = color.narrow(begin, count),
          .cutout = part(cutout),
          .erasing = part(erasing)};
}

TrainLoader::TrainLoader(Dataset dataset, const LoaderOptions& options,
                         const NormalizationOptions& normalization, at::ScalarType dtype, uint64_t seed)
    : dataset_(std::move(dataset)),
      options_(options),
      normalization_(normalization),
      dtype_(dtype),
      seed_(seed) {
  if (batches_per_epoch() == 0)
    throw Error("DATASET_TOO_SMALL",
                "data_loading.batch_size: expected at most the " + std::to_string(dataset_.size()) +
                    " train images, found " + std::to_string(options_.batch_size),
                "use a smaller batch, or data_loading.drop_last=false");
}

int64_t TrainLoader::batches_per_epoch() const {
  const int64_t whole = dataset_.size() / options_.batch_size;
  const bool has_rest = dataset_.size() % options_.batch_size != 0;
  return has_rest && !options_.drop_last ? whole + 1 : whole;
}

bool TrainLoader::mixes_labels() const { return options_.augment.mix.any(); }

int64_t TrainLoader::images_before(int64_t step) const {
  const int64_t batches = batches_per_epoch();
  const int64_t per_epoch = std::min(batches * options_.batch_size, dataset_.size());
  return step / batches * per_epoch + step % batches * options_.batch_size;
}

// Drawn on the CPU whatever the device: the same seed gives the same data order everywhere. Order, crop and
// random flip share a generator; every other augmentation has its own, so that none changes what another
// draws.
void TrainLoader::start_epoch(int64_t epoch) {
  const auto device = dataset_.labels.device();
  const auto& options = options_.augment;
  const auto generator = [&](RandomStream stream) {
    return make_generator(seed_, stream, static_cast<uint64_t>(epoch));
  };
  epoch_ = epoch;
  draws_ = {};
  draws_.placement = draw_placement(epoch);
  auto policy = generator(RandomStream::kPolicy);
  draws_.policy = draw_policy(options.policy, dataset_.size(), policy);
  auto color = generator(RandomStream::kColor);
  draws_.color = draw_color_factors(options.color_jitter, dataset_.size(), color).to(device);
  if (options.cutout.size > 0) {
    auto cutout = generator(RandomStream::kCutout);
    draws_.cutout = draw_cutout(options.cutout, dataset_.size(), cutout).to(device);
  }
  if (options.random_erasing.probability > 0) {
    auto erasing = generator(RandomStream::kErasing);
    draws_.erasing = draw_random_erasing(options.random_erasing, dataset_.size(), erasing).to(device);
  }
}

Placement TrainLoader::draw_placement(int64_t epoch) const {
  auto generator = make_generator(seed_, RandomStream::kEpoch, static_cast<uint64_t>(epoch));
  const auto device = dataset_.labels.device();
  const int64_t offsets = 2 * options_.augment.translate + 1;
  const auto draw_offsets = [&] {
    return torch::randint(0, offsets, {dataset_.size()}, generator, torch::kInt64).to(device);
  };
  Placement placement;
  placement.index = torch::randperm(dataset_.size(), generator, torch::kInt64).to(device);
  placement.dy = draw_offsets();
  placement.dx = draw_offsets();
  placement.flip = epoch_flips(epoch, generator).to(device).index_select(0, placement.index);
  return placement;
}

// Alternating flip (airbench94, arXiv 2404.00498, section 3.6): every image is seen mirrored in exactly one
// of two successive epochs. Returned in dataset order.
at::Tensor TrainLoader::epoch_flips(int64_t epoch, at::Generator& generator) const {
  const auto coin = [&](at::Generator& source) {
    return torch::randint(0, 2, {dataset_.size()}, source, torch::kInt64).to(torch::kBool);
  };
  switch (options_.augment.flip) {
    case Flip::kNone:
      return torch::zeros({dataset_.size()}, torch::kBool);
    case Flip::kRandom:
      return coin(generator);
    case Flip::kAlternating: {
      auto first_epoch = make_generator(seed_, RandomStream::kFlip, 0);
      const auto flips = coin(first_epoch);
      return epoch % 2 == 1 ? flips.logical_not() : flips;
    }
  }
  throw std::logic_error("unreachable: unknown flip");
}

at::Tensor TrainLoader::augment(const EpochDraws& draws, at::ScalarType dtype) const {
  const auto& options = options_.augment;
  auto pixels = crop_and_flip(dataset_.images, draws.placement, options.translate, options.padding);
  if (draws.policy.operation.defined()) pixels = apply_policy(pixels, draws.policy);
  auto images = draws.color.any()
                    ? standardize(adjust_color(scale_pixels(pixels), draws.color), normalization_, dtype)
                    : normalize(pixels, normalization_, dtype);
  if (draws.cutout.defined()) images = erase(images, draws.cutout);
  if (draws.erasing.defined()) images = erase(images, draws.erasing);
  return images;
}

Batch TrainLoader::batch(int64_t index) const {
  const int64_t begin = index * options_.batch_size;
  const int64_t count = std::min(options_.batch_size, dataset_.size() - begin);
  const auto draws = draws_.narrow(begin, count);
  const auto labels = dataset_.labels.index_select(0, draws.placement.index);
  if (!options_.augment.mix.any()) return {augment(draws, dtype_), labels, {}};
  const int64_t step = epoch_ * batches_per_epoch() + index;
  auto generator = make_generator(seed_, RandomStream::kMix, static_cast<uint64_t>(step));
  const auto mix = draw_mix(options_.augment.mix, count, generator);
  const auto images = augment(draws, torch::kFloat32);
  return {mix_images(images, mix).to(dtype_), labels, mix_labels(labels, mix)};
}

}  // namespace cifar10
