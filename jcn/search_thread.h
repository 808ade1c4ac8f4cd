// The search thread: makes what is fresh searchable ahead of queries, while a storm of changes or a
// crawl goes on. A few changes are left to the first query: it does them quicker than a thread
// wakes.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "jcn/index_writer.h"

namespace jcn {

// Thread-safe.
class SearchThread {
 public:
  explicit SearchThread(IndexWriter& writer);
  ~SearchThread();
  void stop();  // after the piece under way
  void poke();  // something was published

 private:
  void run();

  IndexWriter& writer_;
  std::mutex lock_;
  std::condition_variable wake_;
  bool wanted_ = false;   // guarded by lock_
  bool stopped_ = false;  // guarded by lock_
  std::thread thread_;
};

}  // namespace jcn
