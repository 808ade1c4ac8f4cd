// The gate at which feeds wait for changes. Each of them holds one of the server's threads, so
// there are so many places and no more. A quarter of them is for those who are known: anonymous
// ones, who may come through a site from anywhere, do not shut them out.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

namespace jcn {

// Thread-safe. Outlives its places.
class FeedGate {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit FeedGate(unsigned places) : places_(places) {}

  // Taken by one feed, until it is destroyed.
  class Place {
   public:
    Place(Place&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(gate_, other.gate_);
      return *this;
    }
    ~Place() {
      if (gate_) gate_->leave();
    }

   private:
    friend class FeedGate;
    explicit Place(FeedGate* gate) : gate_(gate) {}
    FeedGate* gate_;
  };
  enum class Who : std::uint8_t { known, anonymous };
  std::optional<Place> enter(Who who);  // absent: it has no place for them, or is closed

  enum class News : std::uint8_t { change, none, closed };
  // Returns when the head is above `seq`, at `until`, or when the gate is closed.
  News wait(std::uint64_t seq, Time until);

  void announce(std::uint64_t head);  // changes up to it are visible
  void close();                       // all who wait return, and nobody enters any more
  bool wait_until_left(Time until);  // for the last words of all who are in; false: not all by then

  unsigned taken() const;
  std::uint64_t refused() const;  // since start

 private:
  void leave();

  const unsigned places_;
  mutable std::mutex lock_;
  std::condition_variable changed_;
  // All guarded by lock_.
  std::uint64_t head_ = 0;
  unsigned taken_ = 0;
  std::uint64_t refused_ = 0;
  bool closed_ = false;
};

}  // namespace jcn
