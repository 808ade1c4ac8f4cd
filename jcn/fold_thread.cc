#include "fold_thread.h"

#include <algorithm>
#include <utility>

#include "log.h"
#include "memory_patience.h"

namespace jcn {
namespace {

using std::chrono::steady_clock;
constexpr std::chrono::milliseconds retry_interval{1000};
// A merge that fails has written much for nothing: the next one waits longer and longer.
constexpr std::chrono::seconds first_merge_pause{2}, longest_merge_pause{600};

}  // namespace

FoldThread::FoldThread(IndexWriter& writer, FoldTiming timing,
                       std::function<void(const Error&)> failed)
    : writer_(writer),
      timing_(timing),
      failed_(std::move(failed)),
      merge_pause_(first_merge_pause),
      thread_([this] { run(); }) {}

FoldThread::~FoldThread() {
  (void)stop();
}

Result<void> FoldThread::stop() {
  {
    std::lock_guard guard(lock_);
    stopped_ = true;
  }
  wake_.notify_all();
  folded_.notify_all();
  if (!thread_.joinable()) return {};
  thread_.join();
  Result<FoldReport> last = writer_.fold();
  if (!last) return std::move(last).error();
  return {};
}

void FoldThread::poke() {
  bool wake = false;
  {
    std::lock_guard guard(lock_);
    last_published_ = steady_clock::now();
    wake = !dirty_ || writer_.fresh().bytes > timing_.full_bytes;
    if (!dirty_) first_unfolded_ = last_published_;
    dirty_ = true;
  }
  if (wake) wake_.notify_all();
}

Result<void> FoldThread::fold_now(steady_clock::time_point until) {
  std::unique_lock guard(lock_);
  if (!dirty_ && begun_ == ended_) return {};
  const std::uint64_t mine = begun_ + 1;  // one that has begun already may have frozen too early
  wanted_now_ = true;
  wake_.notify_all();
  const bool in_time = folded_.wait_until(
      guard, until, [&] { return stopped_ || ended_ >= mine || (!dirty_ && begun_ == ended_); });
  if (failing_) return *failing_;
  if (!in_time) return Error{Code::sync_timeout, "the fold took longer than the time given", ""};
  return {};
}

std::optional<Error> FoldThread::failing() const {
  std::lock_guard guard(lock_);
  return failing_;
}

std::optional<Error> FoldThread::merge_failing() const {
  std::lock_guard guard(lock_);
  return merge_failing_;
}

FoldCounts FoldThread::counts() const {
  std::lock_guard guard(lock_);
  FoldCounts counts = counts_;
  counts.fold_took = fold_took_.read();
  return counts;
}

void FoldThread::run() {
  const MemoryPatience patience(true);
  std::unique_lock guard(lock_);
  while (!stopped_) {
    if (!dirty_ && !wanted_now_) {
      if (!merge_failing_) {
        wake_.wait(guard);
      } else if (wake_.wait_until(guard, next_merge_) == std::cv_status::timeout) {
        merge_what_is_due(guard);
      }
      continue;
    }
    const Time due = std::min(last_published_ + timing_.quiet, first_unfolded_ + timing_.interval);
    const bool full = writer_.fresh().bytes > timing_.full_bytes;
    if (!wanted_now_ && !full && steady_clock::now() < due) {
      wake_.wait_until(guard, due);
      continue;
    }
    fold_once(guard);
  }
}

void FoldThread::fold_once(std::unique_lock<std::mutex>& guard) {
  dirty_ = false;
  wanted_now_ = false;
  ++begun_;
  guard.unlock();
  const Time begun = steady_clock::now();
  Result<FoldReport> report = as_far_as_memory_goes([this] { return writer_.fold(); });
  if (report) fold_took_.count(steady_clock::now() - begun);
  if (!report && failed_) failed_(report.error());
  guard.lock();
  ++ended_;
  ++(report ? counts_.folds : counts_.failed_folds);
  if (report) {
    failing_.reset();
  } else {
    failing_ = report.error();
    dirty_ = true;
    first_unfolded_ = last_published_ = steady_clock::now();
    log_error({"fold_failing", {{"code", std::string(code_name(report.error().code))}}},
              "fold: {}: {}; tried again in {} ms", code_name(report.error().code),
              report.error().message, retry_interval.count());
  }
  folded_.notify_all();
  if (failing_) {
    wake_.wait_for(guard, retry_interval, [&] { return stopped_ || wanted_now_; });
    return;
  }
  merge_what_is_due(guard);
}

void FoldThread::merge_what_is_due(std::unique_lock<std::mutex>& guard) {
  if (steady_clock::now() < next_merge_) return;
  for (bool more = true; more && !stopped_ && !wanted_now_;) {
    guard.unlock();
    Result<bool> merged =
        as_far_as_memory_goes([this] { return writer_.merge([this] { return !stopped_; }); });
    if (!merged && failed_) failed_(merged.error());
    guard.lock();
    more = merged && *merged;
    if (more) ++counts_.merges;
    if (!merged) ++counts_.failed_merges;
    if (merged) {
      merge_failing_.reset();
      merge_pause_ = first_merge_pause;
      continue;
    }
    merge_failing_ = merged.error();
    next_merge_ = steady_clock::now() + merge_pause_;
    log_error({"merge_failing", {{"code", std::string(code_name(merged.error().code))}}},
              "merge: {}: {}; tried again in {} s", code_name(merged.error().code),
              merged.error().message, merge_pause_.count());
    merge_pause_ = std::min(merge_pause_ * 2, longest_merge_pause);
  }
}

}  // namespace jcn
