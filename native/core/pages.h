// Owns asking the system for whole pages of memory and giving them back, on each system in its way.
// Only the part for Linux is tested; that for macOS is its POSIX subset, that for Windows follows its
// documentation.
#pragma once

#include <cstddef>

namespace cifar10 {

constexpr size_t kHugePage = size_t{2} << 20;  // 512 times fewer page faults and TLB entries than 4 KiB

// Zeroed pages; null where there is no memory. Blocks of kHugePage and more are of a multiple of it, and
// aligned to it and made of huge pages where the system has them free.
void* map_pages(size_t bytes);

// The whole block of this size that map_pages returned.
void unmap_pages(void* block, size_t bytes);

// `bytes` is a multiple of `alignment`, a power of two; null where there is no memory.
void* aligned_malloc(size_t alignment, size_t bytes);
void aligned_free(void* block);

}  // namespace cifar10
