// How it goes with the file of a webhook's place: when it is read or written next, whether that
// fails, and how far what is delivered may be ahead of it. A state machine without files and clocks
// of its own: who reads and writes tells it what came of that.
//
// Invariants:
//  1. Before the file was read nothing is sent: where it is not known what was delivered, nothing
//     is taken for delivered, and nobody is told to begin anew because a disk fails.
//  2. While it can't be written, nothing is sent once `most_unkept` changes were delivered that it
//     knows nothing of: these, and what one request holds, come again after a crash.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "jcn/result.h"

namespace jcn {

// As much as is delivered in this time may be delivered again after a kill.
inline constexpr std::chrono::milliseconds between_savings{1000};
inline constexpr std::uint64_t most_unkept = 1000;

// One thread, or one lock.
class WebhookKeeping {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // What deserves a word: each time that it begins to fail, or is over, and not each attempt.
  enum class Turn : std::uint8_t { none, begins, over };

  // `delivered`: changes since start, by what was written.
  Turn read(Time now);
  Turn written(Time now, std::uint64_t delivered);
  Turn failed(const Error& error, Time now);

  bool unread() const { return unread_; }
  // Whether more may be sent, after so many delivered changes.
  bool lets_send(std::uint64_t delivered) const;
  Time due() const { return due_; }  // it is not read or written before, but for a good reason
  const std::optional<Error>& failing() const { return failing_; }
  std::uint64_t failures() const { return failures_; }  // since start

 private:
  Turn succeeded(Time now);

  bool unread_ = true;
  Time due_{};
  std::optional<Error> failing_;
  std::uint64_t failures_ = 0, failures_in_row_ = 0;
  std::uint64_t kept_ = 0;  // delivered changes that the file knows of
};

}  // namespace jcn
