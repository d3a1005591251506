// Owns sharing independent work among LibTorch's compute threads.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

namespace cifar10::kernels {

// Calls work(begin, end) until 0…count are done, in multiples of `unit`. Threads take the next piece when
// they are free, so that one that the machine holds up does not hold up the others. `start` makes each
// thread's work, with what only it needs.
template <class Start>
void share(int64_t count, int64_t unit, const Start& start) {
  constexpr int64_t kPiecesPerThread = 8;
  if (count == 0) return;
  const int64_t pieces = at::get_num_threads() * kPiecesPerThread;
  const int64_t piece = (count + pieces * unit - 1) / (pieces * unit) * unit;
  const int64_t threads = std::min<int64_t>(at::get_num_threads(), (count + piece - 1) / piece);
  std::atomic<int64_t> next = 0;
  at::parallel_for(0, threads, 1, [&](int64_t, int64_t) {
    const auto work = start();
    for (int64_t begin = next.fetch_add(piece); begin < count; begin = next.fetch_add(piece))
      work(begin, std::min(begin + piece, count));
  });
}

}  // namespace cifar10::kernels
