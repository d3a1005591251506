// Owns the order of an epoch and the batches in it. Everything random about epoch e comes from generators
// made of (seed, e), so the loader's whole state is (epoch, batch index) and any point of a run can be
// reached directly.
#pragma once

#include "data/augment.h"
#include "data/data_options.h"
#include "data/dataset.h"

namespace cifar10 {

struct Batch {
  at::Tensor images;   // activations' dtype [B,3,32,32], channels-last
  at::Tensor labels;   // int64 [B]
  at::Tensor targets;  // float32 [B,10]
};

class TrainLoader {
 public:
  // Keeps `dataset` where it lies: batches are made on its device. Errors: DATASET_TOO_SMALL for no batch at
  // all.
  TrainLoader(Dataset dataset, const LoaderOptions& options, const NormalizationOptions& normalization,
              at::ScalarType dtype, uint64_t seed);

  int64_t batches_per_epoch() const;
  bool mixes_labels() const { return false; }
  // Images in the first `step` batches of a training, over all its epochs.
  int64_t images_before(int64_t step) const;
  // Draws permutation, offsets and flips of epoch `epoch` (from 0).
  void start_epoch(int64_t epoch);
  // Batch `index` (0 to batches_per_epoch() − 1) of the epoch started last.
  Batch batch(int64_t index) const;

 private:
  at::Tensor epoch_flips(int64_t epoch, at::Generator& generator) const;

  Dataset dataset_;
  LoaderOptions options_;
  NormalizationOptions normalization_;
  at::ScalarType dtype_;
  uint64_t seed_;
  Placement epoch_;  // of all images, in the epoch's order
};

}  // namespace cifar10
