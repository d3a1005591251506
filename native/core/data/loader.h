// Owns the order of an epoch and the batches in it. Everything random about epoch e comes from generators
// made of (seed, e), so the loader's whole state is (epoch, batch index) and any point of a run can be
// reached directly.
#pragma once

#include "data/augment.h"
#include "data/auto_augment.h"
#include "data/color.h"
#include "data/data_options.h"
#include "data/dataset.h"

namespace cifar10 {

struct Batch {
  at::Tensor images;   // activations' dtype [B,3,32,32], channels-last
  at::Tensor labels;   // int64 [B]
  at::Tensor targets;  // float32 [B,10], the share of each class, without label smoothing; undefined without
                       // mixup and CutMix
};

// How the images of an epoch are changed, in the epoch's order. What is not configured is undefined; all but
// the policy is on the images' device.
struct EpochDraws {
  Placement placement;
  PolicyChoices policy;
  ColorFactors color;
  at::Tensor cutout;   // boxes, see erase.h
  at::Tensor erasing;  // boxes

  EpochDraws narrow(int64_t begin, int64_t count) const;
};

class TrainLoader {
 public:
  // Keeps `dataset` where it lies: batches are made on its device. Errors: DATASET_TOO_SMALL for no batch at
  // all.
  TrainLoader(Dataset dataset, const LoaderOptions& options, const NormalizationOptions& normalization,
              at::ScalarType dtype, uint64_t seed);

  int64_t batches_per_epoch() const;
  // Whether batches have targets in place of labels: mixup, CutMix.
  bool mixes_labels() const;
  // Images in the first `step` batches of a training, over all its epochs.
  int64_t images_before(int64_t step) const;
  // Draws the permutation of epoch `epoch` (from 0) and how each image is changed in it.
  void start_epoch(int64_t epoch);
  // Batch `index` (0 to batches_per_epoch() − 1) of the epoch started last.
  // Crop and flip, policy, colours, normalization, cutout and erasing, mixup or CutMix, in this order.
  Batch batch(int64_t index) const;
  // int64 [N]: the rows of the dataset in the order of the epoch started last.
  const at::Tensor& order() const { return draws_.placement.index; }

 private:
  Placement draw_placement(int64_t epoch) const;
  at::Tensor epoch_flips(int64_t epoch, at::Generator& generator) const;
  at::Tensor augment(const EpochDraws& draws, at::ScalarType dtype) const;

  Dataset dataset_;
  LoaderOptions options_;
  NormalizationOptions normalization_;
  at::ScalarType dtype_;
  uint64_t seed_;
  int64_t epoch_ = 0;
  EpochDraws draws_;
};

}  // namespace cifar10
