// A bar on standard error, when that is a terminal; gone when it is over. One thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace jcnctl {

class ProgressBar {
 public:
  ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() { clear(); }
  // `of` 0: nobody knows yet; the seconds since the stage began are shown. Another stage (another
  // pointer) begins anew. Drawn at most ten times a second.
  void show(const char* stage, std::uint64_t done, std::uint64_t of);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  const bool terminal_;
  const char* stage_ = nullptr;
  Clock::time_point begun_{}, drawn_{};
};

}  // namespace jcnctl
