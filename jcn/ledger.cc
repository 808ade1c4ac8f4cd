#include "ledger.h"

namespace jcn {

Ticket Ledger::issue(Cause cause) {
  auto held = std::make_unique<const Cause>(cause);
  Epoch epoch = 0;
  {
    std::lock_guard guard(lock_);
    epoch = current_;
    ++open_[epoch];
  }
  // Without the lock: where there is no memory for it, the deleter is called at once.
  return Ticket(held.release(), [this, epoch](const Cause* done) {
    delete done;
    release(epoch);
  });
}

void Ledger::release(Epoch epoch) {
  std::lock_guard guard(lock_);
  if (--open_[epoch] == 0) {
    open_.erase(epoch);
    changed_.notify_all();
  }
}

Ledger::Epoch Ledger::close_epoch() {
  std::lock_guard guard(lock_);
  return current_++;
}

bool Ledger::settled_locked(Epoch epoch) const {
  return open_.empty() || open_.begin()->first > epoch;
}

bool Ledger::settled(Epoch epoch) {
  std::lock_guard guard(lock_);
  return settled_locked(epoch);
}

bool Ledger::wait_settled(Epoch epoch, std::chrono::steady_clock::time_point until) {
  std::unique_lock guard(lock_);
  changed_.wait_until(guard, until, [&] { return stopped_ || settled_locked(epoch); });
  return settled_locked(epoch);
}

void Ledger::stop() {
  std::lock_guard guard(lock_);
  stopped_ = true;
  changed_.notify_all();
}

}  // namespace jcn
