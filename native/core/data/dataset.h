// Owns reading CIFAR-10 binary records (https://www.cs.toronto.edu/~kriz/cifar.html) and splitting off a
// validation set. Must not augment or normalize.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace cifar10 {

inline constexpr int64_t kClasses = 10;
inline constexpr int64_t kImageSize = 32;

struct Dataset {
  at::Tensor images;  // uint8 [N,3,32,32], RGB, channels-last in memory
  at::Tensor labels;  // int64 [N], 0–9
  int64_t size() const { return labels.size(0); }
  Dataset to(at::Device device) const;
};

struct Split {
  Dataset train;
  Dataset val;  // empty when nothing was held out
};

// Reads whole files of 3073-byte records in the order given. Errors: DATASET_CORRUPT, DATASET_NOT_FOUND.
Dataset read_records(const std::vector<std::string>& files);

// Holds `val_size` images out, drawn without replacement from (seed); 0 keeps the file order untouched.
// Errors: DATASET_TOO_SMALL.
Split split_validation(const Dataset& dataset, int64_t val_size, uint64_t seed);

}  // namespace cifar10
