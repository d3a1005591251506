// Owns the memory of large CPU tensors. A training step asks for the same sizes again and again; the system's
// malloc maps and unmaps them each time, and every page of them faults anew. Here freed blocks stay mapped
// and are handed out again by exact size.
#pragma once

#include <c10/core/Allocator.h>

#include <cstddef>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace cifar10 {

class CachingCpuAllocator final : public c10::Allocator {
 public:
  // One for the process, never destroyed: tensors may outlive every static object.
  static CachingCpuAllocator& instance();

  c10::DataPtr allocate(size_t bytes) override;
  c10::DeleterFnPtr raw_deleter() const override;
  void copy_data(void* destination, const void* source, size_t bytes) const override;

  // Unmaps every block that no tensor uses, and forgets what was needed.
  void release();

  // How often a block was mapped anew so far.
  size_t mappings();

 private:
  // Of one mapped size.
  struct Blocks {
    std::vector<void*> free;
    size_t used = 0;
    size_t most_used = 0;  // at a time, since release() was called last
  };

  void* take(size_t mapped_bytes);
  void* map_anew(size_t mapped_bytes, const Blocks& blocks);
  bool is_other_work(size_t mapped_bytes, const Blocks& blocks) const;
  void unmap_free();
  void give_back(void* block);
  static void delete_block(void* block);

  std::mutex mutex_;
  std::unordered_map<size_t, Blocks> blocks_;  // by mapped size
  std::unordered_map<void*, size_t> used_;     // blocks handed out -> mapped size
  size_t free_bytes_ = 0;
  size_t used_bytes_ = 0;
  size_t most_used_bytes_ = 0;  // since release() was called last
  size_t mappings_ = 0;
};

}  // namespace cifar10
