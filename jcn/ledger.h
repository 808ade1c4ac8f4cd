// The ledger of unfinished work: what a barrier waits for.
//
// Invariants:
// 1. Work caused by an event holds a ticket of the epoch in which the event was read; work that
//    causes work hands its ticket on. A ticket dies once its work is published.
// 2. close_epoch() ends the current epoch. Everything read before belongs to it or to an earlier
// one.
// 3. An epoch is settled when no ticket of it or of an earlier epoch lives.
// Thread-safe throughout.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace jcn {

// What a piece of work comes from.
struct Cause {
  // When the event was read that tells of a change; absent: no event did, but a crawl or an audit.
  std::optional<std::chrono::steady_clock::time_point> changed;
};

// Copies share the same piece of work. An empty ticket belongs to background work that no barrier
// waits for.
using Ticket = std::shared_ptr<const Cause>;
// Whoever wants to know when it dies: its deleter is the point.
using Watcher = std::shared_ptr<const void>;

class Ledger {
 public:
  using Epoch = std::uint64_t;

  Ticket issue(Cause cause = {});
  // For what an event tells that was read just now.
  Ticket issue_for_event() { return issue({std::chrono::steady_clock::now()}); }
  Epoch close_epoch();
  // False when the time is over first, or stop() was called.
  bool wait_settled(Epoch epoch, std::chrono::steady_clock::time_point until);
  bool settled(Epoch epoch);
  void stop();

 private:
  bool settled_locked(Epoch epoch) const;
  void release(Epoch epoch);

  std::mutex lock_;
  std::condition_variable changed_;
  Epoch current_ = 1;                  // guarded by lock_
  std::map<Epoch, std::size_t> open_;  // tickets alive by epoch; guarded by lock_
  bool stopped_ = false;               // guarded by lock_
};

}  // namespace jcn
