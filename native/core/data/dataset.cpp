#include "data/dataset.h"

#include "torch_api.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "error.h"
#include "random.h"

namespace cifar10 {
namespace {

constexpr int64_t kPixelBytes = 3 * kImageSize * kImageSize;
constexpr int64_t kRecordBytes = 1 + kPixelBytes;
constexpr const char* kRepair = "run `npx cifar10-torch download`";

Error unreadable(const std::string& path, const std::string& reason) {
  return {"DATASET_NOT_FOUND", "\"" + path + "\" cannot be read: " + reason, kRepair};
}

Error corrupt(const std::string& path, const std::string& expected, int64_t found) {
  return {"DATASET_CORRUPT", "\"" + path + "\": expected " + expected + ", found " + std::to_string(found),
          kRepair};
}

// uint8 [records, 3073]
at::Tensor read_file(const std::string& path) {
  std::error_code status;
  const auto bytes = static_cast<int64_t>(std::filesystem::file_size(path, status));
  if (status) throw unreadable(path, status.message());
  if (bytes == 0 || bytes % kRecordBytes != 0) throw corrupt(path, "a multiple of 3073 bytes", bytes);
  std::ifstream file(path, std::ios::binary);
  if (!file) throw unreadable(path, std::strerror(errno));
  auto records = torch::empty({bytes / kRecordBytes, kRecordBytes}, torch::kUInt8);
  file.read(static_cast<char*>(records.data_ptr()), bytes);
  if (!file) throw corrupt(path, std::to_string(bytes) + " bytes", file.gcount());
  const auto highest = records.select(1, 0).max().item<int64_t>();
  if (highest >= kClasses) throw corrupt(path, "labels 0 to 9", highest);
  return records;
}

}  // namespace

Dataset Dataset::to(at::Device device) const { return {images.to(device), labels.to(device)}; }

Dataset read_records(const std::vector<std::string>& files) {
  std::vector<at::Tensor> parts;
  for (const auto& path : files) parts.push_back(read_file(path));
  const auto records = torch::cat(parts);  // uint8 [N,3073]
  const auto images = records.narrow(1, 1, kPixelBytes).reshape({-1, 3, kImageSize, kImageSize});
  return {images.contiguous(at::MemoryFormat::ChannelsLast), records.select(1, 0).to(torch::kInt64)};
}

Split split_validation(const Dataset& dataset, int64_t val_size, uint64_t seed) {
  if (val_size == 0) return {dataset, {dataset.images.narrow(0, 0, 0), dataset.labels.narrow(0, 0, 0)}};
  if (val_size >= dataset.size())
    throw Error("DATASET_TOO_SMALL",
                "data_loading.val_size: expected less than the " + std::to_string(dataset.size()) +
                    " train images, found " + std::to_string(val_size),
                "hold fewer images out");
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
