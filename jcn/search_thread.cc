#include "search_thread.h"

#include <utility>

#include "log.h"
#include "memory_patience.h"

namespace jcn {

SearchThread::SearchThread(IndexWriter& writer) : writer_(writer), thread_([this] { run(); }) {}

SearchThread::~SearchThread() {
  stop();
}

void SearchThread::stop() {
  {
    std::lock_guard guard(lock_);
    stopped_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SearchThread::poke() {
  if (!writer_.search_waits()) return;
  {
    std::lock_guard guard(lock_);
    wanted_ = true;
  }
  wake_.notify_all();
}

void SearchThread::run() {
  const MemoryPatience patience(true);
  std::unique_lock guard(lock_);
  for (;;) {
    wake_.wait(guard, [&] { return stopped_ || wanted_; });
    if (stopped_) return;
    wanted_ = false;
    guard.unlock();
    const Result<bool> made = as_far_as_memory_goes([this] { return writer_.make_search_ahead(); });
    // A query that needs it meets the error again, and says so.
    if (!made) log_error("search_failed", "fresh records: {}", made.error().message);
    guard.lock();
    if (made && *made) wanted_ = true;
  }
}

}  // namespace jcn
