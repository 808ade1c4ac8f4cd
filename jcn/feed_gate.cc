#include "feed_gate.h"

#include <algorithm>

namespace jcn {

std::optional<FeedGate::Place> FeedGate::enter(Who who) {
  const unsigned open = who == Who::known ? places_ : places_ - places_ / 4;
  const std::lock_guard guard(lock_);
  if (closed_ || taken_ >= open) {
    ++refused_;
    return std::nullopt;
  }
  ++taken_;
  return Place(this);
}

void FeedGate::leave() {
  const std::lock_guard guard(lock_);
  --taken_;
  if (closed_ && taken_ == 0) changed_.notify_all();
}

FeedGate::News FeedGate::wait(std::uint64_t seq, Time until) {
  std::unique_lock guard(lock_);
  changed_.wait_until(guard, until, [&] { return closed_ || head_ > seq; });
  if (closed_) return News::closed;
  return head_ > seq ? News::change : News::none;
}

void FeedGate::announce(std::uint64_t head) {
  {
    const std::lock_guard guard(lock_);
    head_ = std::max(head_, head);
  }
  changed_.notify_all();
}

void FeedGate::close() {
  {
    const std::lock_guard guard(lock_);
    closed_ = true;
  }
  changed_.notify_all();
}

bool FeedGate::wait_until_left(Time until) {
  std::unique_lock guard(lock_);
  return changed_.wait_until(guard, until, [&] { return taken_ == 0; });
}

unsigned FeedGate::taken() const {
  const std::lock_guard guard(lock_);
  return taken_;
}

std::uint64_t FeedGate::refused() const {
  const std::lock_guard guard(lock_);
  return refused_;
}

}  // namespace jcn
