// Owns a thread that does pieces of work, one after another. Work of one model stays on one thread:
// LibTorch's pool of compute threads, and the kernels that oneDNN has generated for them, belong to the
// thread that uses them, and making them anew costs more than to classify an image.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <thread>

class WorkThread {
 public:
  // Errors: std::system_error, when the system has no thread left.
  WorkThread();
  // Waits for the work that has been posted, which must not hold the thread itself.
  ~WorkThread();
  WorkThread(const WorkThread&) = delete;
  WorkThread& operator=(const WorkThread&) = delete;

  // Does `work` after what was posted before. From any thread; the future is ready when it is done, with what
  // it threw.
  std::future<void> post(std::function<void()> work);

 private:
  struct Queue;
  static void run(Queue& queue);

  std::unique_ptr<Queue> queue_;
  std::thread thread_;
};
