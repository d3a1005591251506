// Owns reading CIFAR-10 binary records (https://www.cs.toronto.edu/~kriz/cifar.html) and splitting off a
// validation set. Must not augment or normalize.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
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

// Rows of a dataset, int64, ascending.
struct SplitRows {
  at::Tensor train;
  at::Tensor val;
};

// Holds round(n · fraction) of the n images of each class out, drawn without replacement from (seed).
// labels: int64 [N], 0–9; fraction: above 0 and below 1.
// Errors: DATASET_TOO_SMALL for a class that would be left without train or without val images.
SplitRows split_rows(const at::Tensor& labels, double fraction, uint64_t seed);

// The same for images; without a fraction all of them are train images. Both parts keep the order of the
// files. Errors: those of split_rows.
Split split_validation(const Dataset& dataset, std::optional<double> fraction, uint64_t seed);

}  // namespace cifar10
