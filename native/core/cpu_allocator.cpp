#include "cpu_allocator.h"

#include <algorithm>
#include <new>

#include "pages.h"

namespace cifar10 {
namespace {

constexpr size_t kAlignment = 64;  // a cache line and an AVX-512 register, as LibTorch's allocator
constexpr size_t kKeptBytes = size_t{128}
                              << 10;  // glibc's malloc gives smaller blocks back to the system seldom
constexpr size_t kLargeBytes = size_t{1} << 20;
constexpr size_t kUnit = size_t{64} << 10;  // of smaller blocks

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

size_t mapped_size(size_t bytes) { return round_up(bytes, bytes >= kLargeBytes ? kHugePage : kUnit); }

}  // namespace

CachingCpuAllocator& CachingCpuAllocator::instance() {
  static auto* allocator = new CachingCpuAllocator();
  return *allocator;
}

c10::DataPtr CachingCpuAllocator::allocate(size_t bytes) {
  void* block = nullptr;
  if (bytes >= kKeptBytes)
    block = take(mapped_size(bytes));
  else if (bytes > 0)
    block = aligned_malloc(kAlignment, round_up(bytes, kAlignment));
  if (block == nullptr && bytes > 0) throw std::bad_alloc();
  return {block, block, &delete_block, c10::Device(c10::DeviceType::CPU)};
}

void* CachingCpuAllocator::take(size_t mapped_bytes) {
  const std::lock_guard lock(mutex_);
  auto& blocks = blocks_[mapped_bytes];
  void* block = nullptr;
  if (blocks.free.empty()) {
    block = map_anew(mapped_bytes, blocks);
  } else {
    block = blocks.free.back();
    blocks.free.pop_back();
    free_bytes_ -= mapped_bytes;
  }
  if (block == nullptr) return nullptr;
  used_[block] = mapped_bytes;
  used_bytes_ += mapped_bytes;
  most_used_bytes_ = std::max(most_used_bytes_, used_bytes_);
  blocks.most_used = std::max(blocks.most_used, ++blocks.used);
  return block;
}

void* CachingCpuAllocator::map_anew(size_t mapped_bytes, const Blocks& blocks) {
  ++mappings_;
  if (is_other_work(mapped_bytes, blocks)) unmap_free();
  void* block = map_pages(mapped_bytes);
  if (block != nullptr) return block;
  unmap_free();
  return map_pages(mapped_bytes);
}

// Whether the idle blocks will hardly come back: a large size was never needed before, so often, while more
// lies idle than is in use. One that was needed before must not drive others out, or two parts of a step
// could do so to each other in every step; but more is mapped only while what lies idle is at most twice what
// was used at a time.
bool CachingCpuAllocator::is_other_work(size_t mapped_bytes, const Blocks& blocks) const {
  const bool is_new = mapped_bytes >= kLargeBytes && blocks.used == blocks.most_used;
  return (is_new && free_bytes_ > used_bytes_) || free_bytes_ > 2 * most_used_bytes_;
}

void CachingCpuAllocator::unmap_free() {
  for (auto& [bytes, blocks] : blocks_) {
    for (void* block : blocks.free) unmap_pages(block, bytes);
    blocks.free.clear();
  }
  free_bytes_ = 0;
}

void CachingCpuAllocator::give_back(void* block) {
  const std::lock_guard lock(mutex_);
  const auto entry = used_.find(block);
  if (entry == used_.end()) return aligned_free(block);
  const size_t bytes = entry->second;
  used_.erase(entry);
  used_bytes_ -= bytes;
  auto& blocks = blocks_[bytes];
  --blocks.used;
  blocks.free.push_back(block);
  free_bytes_ += bytes;
}

void CachingCpuAllocator::release() {
  const std::lock_guard lock(mutex_);
  unmap_free();
  for (auto& [bytes, blocks] : blocks_) blocks.most_used = blocks.used;
  most_used_bytes_ = used_bytes_;
}

size_t CachingCpuAllocator::mappings() {
  const std::lock_guard lock(mutex_);
  return mappings_;
}

void CachingCpuAllocator::delete_block(void* block) { instance().give_back(block); }

c10::DeleterFnPtr CachingCpuAllocator::raw_deleter() const { return &delete_block; }

void CachingCpuAllocator::copy_data(void* destination, const void* source, size_t bytes) const {
  default_copy_data(destination, source, bytes);
}

}  // namespace cifar10
