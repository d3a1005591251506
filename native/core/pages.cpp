#include "pages.h"

#include <cstdint>
#include <cstdlib>

#ifdef _WIN32
#define NOMINMAX  // of std::min and std::max, which windows.h hides
#include <malloc.h>
#include <windows.h>
#else
#include <sys/mman.h>
#endif

namespace cifar10 {

#ifdef _WIN32

// A block cannot be given back in parts here, and huge pages ask for a privilege that users do not have:
// alignment to the 64 KiB of the system has to do.
void* map_pages(size_t bytes) {
  return VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void unmap_pages(void* block, size_t) { VirtualFree(block, 0, MEM_RELEASE); }

void* aligned_malloc(size_t alignment, size_t bytes) { return _aligned_malloc(bytes, alignment); }

void aligned_free(void* block) { _aligned_free(block); }

#else

namespace {

void* map_unaligned(size_t bytes) {
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pages == MAP_FAILED ? nullptr : pages;
}

}  // namespace

// Huge ones: maps one page more and gives the overhang back.
void* map_pages(size_t bytes) {
  if (bytes < kHugePage) return map_unaligned(bytes);
  void* raw = map_unaligned(bytes + kHugePage);
  if (raw == nullptr) return nullptr;
  const auto begin = reinterpret_cast<uintptr_t>(raw);
  const auto block = (begin + kHugePage - 1) / kHugePage * kHugePage;
  if (block > begin) munmap(raw, block - begin);
  if (const size_t rest = begin + kHugePage - block; rest > 0)
    munmap(reinterpret_cast<void*>(block + bytes), rest);
#ifdef MADV_HUGEPAGE
  madvise(reinterpret_cast<void*>(block), bytes, MADV_HUGEPAGE);  // a wish: small pages work as well, slower
#endif
  return reinterpret_cast<void*>(block);
}

void unmap_pages(void* block, size_t bytes) { munmap(block, bytes); }

void* aligned_malloc(size_t alignment, size_t bytes) { return std::aligned_alloc(alignment, bytes); }

void aligned_free(void* block) { std::free(block); }

#endif

}  // namespace cifar10
