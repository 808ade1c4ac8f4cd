#include "progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "jcnctl_table.h"

namespace jcnctl {
namespace {

constexpr std::chrono::milliseconds drawing_interval{100};
constexpr std::size_t widest_bar = 60;

}  // namespace

ProgressBar::ProgressBar() : terminal_(isatty(STDERR_FILENO) != 0) {}

void ProgressBar::show(const char* stage, std::uint64_t done, std::uint64_t of) {
  const auto now = Clock::now();
  if (stage != stage_) {
    stage_ = stage;
    begun_ = now;
  }
  if (!terminal_ || now < drawn_ + drawing_interval) return;
  drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - begun_).count();
  if (of == 0) {
    std::fprintf(stderr, "\r\x1b[K%-10s %.0f s", stage, seconds);
    return;
  }
  const double rate = seconds > 0.1 ? static_cast<double>(done) / seconds : 0;
  const std::string line =
      progress_line(std::min(done, of), of, static_cast<std::uint64_t>(rate), widest_bar);
  std::fprintf(stderr, "\r\x1b[K%-10s %s", stage, line.c_str());
}

void ProgressBar::clear() {
  if (terminal_) std::fputs("\r\x1b[K", stderr);
}

}  // namespace jcnctl
