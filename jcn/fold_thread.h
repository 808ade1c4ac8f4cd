// The fold thread: writes the fresh layer into LMDB when it was quiet for a while, at least every
// interval under load, or when the layer is half full; merges segments in between.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "jcn/index_writer.h"
#include "jcn/result.h"
#include "work_counts.h"

namespace jcn {

struct FoldTiming {
  std::chrono::milliseconds quiet{200};
  std::chrono::milliseconds interval{2000};
  std::uint64_t full_bytes = 128ULL << 20;
};

// Thread-safe.
class FoldThread {
 public:
  // `failed` is told of each fold or merge that failed, from this thread.
  FoldThread(IndexWriter& writer, FoldTiming timing,
             std::function<void(const Error&)> failed = nullptr);
  ~FoldThread();
  // Breaks a merge off, folds what is left, then ends.
  Result<void> stop();

  void poke();  // something was published
  // Waits until what is fresh now is in LMDB. Errors: sync_timeout, or why the fold failed.
  Result<void> fold_now(std::chrono::steady_clock::time_point until);
  std::optional<Error> failing() const;        // why the last fold failed
  std::optional<Error> merge_failing() const;  // why the last merge failed; one is tried again
  FoldCounts counts() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  void run();
  void fold_once(std::unique_lock<std::mutex>& guard);
  void merge_what_is_due(std::unique_lock<std::mutex>& guard);

  IndexWriter& writer_;
  const FoldTiming timing_;
  const std::function<void(const Error&)> failed_;
  mutable std::mutex lock_;
  std::condition_variable wake_;
  std::condition_variable folded_;
  Time first_unfolded_{}, last_published_{};  // guarded by lock_; meaningful while dirty_
  bool dirty_ = false;                        // guarded by lock_
  bool wanted_now_ = false;                   // guarded by lock_
  std::uint64_t begun_ = 0, ended_ = 0;       // folds; guarded by lock_
  std::optional<Error> failing_;              // of the last fold; guarded by lock_
  std::optional<Error> merge_failing_;        // of the last merge; guarded by lock_
  Time next_merge_{};                         // not before; guarded by lock_
  std::chrono::seconds merge_pause_;          // after the next failure; guarded by lock_
  FoldCounts counts_;                         // but for fold_took; guarded by lock_
  LatencyHistogram fold_took_;
  std::atomic<bool> stopped_ = false;  // set under lock_; a merge looks at it without
  std::thread thread_;
};

}  // namespace jcn
