#include "data/dataset.h"

#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "error.h"
#include "random.h"
#include "torch_api.h"

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

constexpr std::array<const char*, kClasses> kClassNames = {
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};

Error cannot_split(int64_t label, int64_t images, double fraction, const std::string& part) {
  const auto found = std::to_string(images) + (images == 1 ? " image" : " images");
  const std::string class_name = kClassNames[static_cast<size_t>(label)];
  const double margin = 0.5 / static_cast<double>(images);
  std::ostringstream message, next_step;
  message << "data_loading.validation: expected a train and a val image of each class, found " << fraction
          << ", which leaves class " << class_name << " with its " << found << " without a " << part
          << " image";
  if (images == 1)
    next_step << "add images of class " << class_name << ", or set data_loading.validation=none";
  else
    next_step << "give a fraction of at least " << margin << " and below " << 1 - margin;
  return {"DATASET_TOO_SMALL", message.str(), next_step.str()};
}

int64_t held_out_of(int64_t label, int64_t images, double fraction) {
  const int64_t held_out = std::llround(static_cast<double>(images) * fraction);
  if (images > 0 && held_out == 0) throw cannot_split(label, images, fraction, "val");
  if (images > 0 && held_out == images) throw cannot_split(label, images, fraction, "train");
  return held_out;
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

SplitRows split_rows(const at::Tensor& labels, double fraction, uint64_t seed) {
  auto generator = make_generator(seed, RandomStream::kSplit, 0);
  const auto order = torch::randperm(labels.size(0), generator, torch::kInt64);
  const auto shuffled_labels = labels.index_select(0, order);
  std::vector<at::Tensor> train, val;
  for (int64_t label = 0; label < kClasses; ++label) {
    const auto rows = order.index_select(0, shuffled_labels.eq(label).nonzero().squeeze(1));
    const int64_t held_out = held_out_of(label, rows.size(0), fraction);
    val.push_back(rows.narrow(0, 0, held_out));
    train.push_back(rows.narrow(0, held_out, rows.size(0) - held_out));
  }
  // Sorted, so that the file order within a part does not depend on the size of the other.
  return {std::get<0>(torch::cat(train).sort()), std::get<0>(torch::cat(val).sort())};
}

Split split_validation(const Dataset& dataset, std::optional<double> fraction, uint64_t seed) {
  if (!fraction) return {dataset, {dataset.images.narrow(0, 0, 0), dataset.labels.narrow(0, 0, 0)}};
  const auto rows = split_rows(dataset.labels, *fraction, seed);
  const auto take = [&](const at::Tensor& part) {
    return Dataset{dataset.images.index_select(0, part), dataset.labels.index_select(0, part)};
  };
  return {take(rows.train), take(rows.val)};
}

}  // namespace cifar10
