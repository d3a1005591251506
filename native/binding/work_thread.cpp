#include "work_thread.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

struct WorkThread::Queue {
  std::mutex mutex;
  std::condition_variable has_news;
  std::deque<std::packaged_task<void()>> tasks;
  bool is_closed = false;
};

WorkThread::WorkThread() : queue_(std::make_unique<Queue>()), thread_([this] { run(*queue_); }) {}

WorkThread::~WorkThread() {
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->is_closed = true;
  }
  queue_->has_news.notify_one();
  thread_.join();
}

std::future<void> WorkThread::post(std::function<void()> work) {
  std::packaged_task<void()> task(std::move(work));
  auto done = task.get_future();
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->tasks.push_back(std::move(task));
  }
  queue_->has_news.notify_one();
  return done;
}

void WorkThread::run(Queue& queue) {
  while (true) {
    std::unique_lock lock(queue.mutex);
    queue.has_news.wait(lock, [&] { return queue.is_closed || !queue.tasks.empty(); });
    if (queue.tasks.empty()) return;
    auto task = std::move(queue.tasks.front());
    queue.tasks.pop_front();
    lock.unlock();
    task();
  }
}
