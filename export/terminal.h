// What jcn-export shows while it works, and how it is told to stop. One thread, but for the
// signals.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace jcn_export {

// SIGINT, SIGTERM and SIGHUP no longer end the process, but ask it to stop; SIGXFSZ is ignored, so
// that a limit on file sizes is an error of write(2). For main().
void catch_signals();
bool asked_to_stop();

// A bar on standard error, when that is a terminal; gone when it is over.
class Bar {
 public:
  Bar();
  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;
  ~Bar() { clear(); }
  void show(const char* stage, std::uint64_t done, std::uint64_t of);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  const bool terminal_;
  const char* stage_ = nullptr;
  Clock::time_point begun_{}, drawn_{};
};

// "1.5 MB"
std::string size_text(std::uint64_t bytes);

}  // namespace jcn_export
