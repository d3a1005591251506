#include "dataset.h"

#include <torch/torch.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "error.h"
#include "random.h"

namespace cifar10 {
namespace {

constexpr int64_t kPixelBytes = 3 * kImageSize * kImageSize;
constexpr int64_t kRecordBytes = 1 + kPixelBytes;

// uint8 [records, 3073]
at::Tensor read_file(const std::string& path) {
  std::error_code status;
  const auto bytes = std::filesystem::file_size(path, status);
  if (status) throw Error("DATASET_NOT_FOUND", "\"" + path + "\" cannot be read: " + status.message());
  if (bytes == 0 || bytes % kRecordBytes != 0)
    throw Error("DATASET_CORRUPT",
                "\"" + path + "\": expected a multiple of 3073 bytes, found " + std::to_string(bytes));
  auto records = torch::empty({static_cast<int64_t>(bytes) / kRecordBytes, kRecordBytes}, torch::kUInt8);
  std::ifstream file(path, std::ios::binary);
  file.read(static_cast<char*>(records.data_ptr()), static_cast<std::streamsize>(bytes));
  if (!file) throw Error("DATASET_CORRUPT", "\"" + path + "\" ended while it was read");
  return records;
}

}  // namespace

Dataset Dataset::to(at::Device device) const { return {images.to(device), labels.to(device)}; }

Dataset read_records(const std::vector<std::string>& files) {
  std::vector<at::Tensor> parts;
  for (const auto& path : files) parts.push_back(read_file(path));
  const auto records = torch::cat(parts);  // uint8 [N,3073]
  const auto labels = records.select(1, 0).to(torch::kInt64);
  if (labels.max().item<int64_t>() >= kClasses)
    throw Error("DATASET_CORRUPT", "\"" + files.front() + "\": expected labels 0 to 9, found " +
                                       std::to_string(labels.max().item<int64_t>()));
  const auto images = records.narrow(1, 1, kPixelBytes).reshape({-1, 3, kImageSize, kImageSize});
  return {images.contiguous(at::MemoryFormat::ChannelsLast), labels};
}

Split split_validation(const Dataset& dataset, int64_t val_size, uint64_t seed) {
  if (val_size == 0) return {dataset, {dataset.images.narrow(0, 0, 0), dataset.labels.narrow(0, 0, 0)}};
  if (val_size >= dataset.size())
    throw Error("DATASET_TOO_SMALL", "data_loading.val_size: expected less than the " +
                                         std::to_string(dataset.size()) + " train images, found " +
                                         std::to_string(val_size));
  auto generator = make_generator(seed, RandomStream::kSplit, 0);
  const auto order = torch::randperm(dataset.size(), generator, torch::kInt64);
  const auto take = [&](int64_t begin, int64_t count) {
    // Sorted, so that the file order within a part does not depend on the size of the other.
    const auto rows = std::get<0>(order.narrow(0, begin, count).sort());
    return Dataset{dataset.images.index_select(0, rows), dataset.labels.index_select(0, rows)};
  };
  return {take(val_size, dataset.size() - val_size), take(0, val_size)};
}

}  // namespace cifar10
