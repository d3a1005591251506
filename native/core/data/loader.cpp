#include "data/loader.h"

#include "torch_api.h"

#include <algorithm>

#include "error.h"
#include "random.h"

namespace cifar10 {

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

int64_t TrainLoader::images_before(int64_t step) const {
  const int64_t batches = batches_per_epoch();
  const int64_t per_epoch = std::min(batches * options_.batch_size, dataset_.size());
  return step / batches * per_epoch + step % batches * options_.batch_size;
}

void TrainLoader::start_epoch(int64_t epoch) {
  auto generator = make_generator(seed_, RandomStream::kEpoch, static_cast<uint64_t>(epoch));
  const auto device = dataset_.labels.device();
  const int64_t offsets = 2 * options_.augment.translate + 1;
  const auto draw_offsets = [&] {
    return torch::randint(0, offsets, {dataset_.size()}, generator, torch::kInt64).to(device);
  };
  // Drawn on the CPU whatever the device: the same seed gives the same data order everywhere.
  epoch_.index = torch::randperm(dataset_.size(), generator, torch::kInt64).to(device);
  epoch_.dy = draw_offsets();
  epoch_.dx = draw_offsets();
  epoch_.flip = epoch_flips(epoch, generator).to(device).index_select(0, epoch_.index);
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

Batch TrainLoader::batch(int64_t index) const {
  const int64_t begin = index * options_.batch_size;
  const int64_t count = std::min(options_.batch_size, dataset_.size() - begin);
  const auto part = [&](const at::Tensor& all) { return all.narrow(0, begin, count); };
  const Placement placement{part(epoch_.index), part(epoch_.dy), part(epoch_.dx), part(epoch_.flip)};
  const auto pixels =
      crop_and_flip(dataset_.images, placement, options_.augment.translate, options_.augment.padding);
  return {normalize(pixels, normalization_, dtype_), dataset_.labels.index_select(0, placement.index)};
}

}  // namespace cifar10
