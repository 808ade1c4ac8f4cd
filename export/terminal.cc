#include "terminal.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "jcnctl_table.h"

namespace jcn_export {
namespace {

constexpr std::chrono::milliseconds drawing_interval{100};
constexpr std::size_t widest_bar = 60;

volatile sig_atomic_t stop_asked = 0;

extern "C" void ask_to_stop(int) {
  stop_asked = 1;
}

}  // namespace

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = ask_to_stop;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGXFSZ, &action, nullptr);
}

bool asked_to_stop() {
  return stop_asked != 0;
}

Bar::Bar() : terminal_(isatty(STDERR_FILENO) != 0) {}

void Bar::show(const char* stage, std::uint64_t done, std::uint64_t of) {
  const auto now = Clock::now();
  if (stage != stage_) {
    stage_ = stage;
    begun_ = now;
  }
  if (!terminal_ || now < drawn_ + drawing_interval) return;
  drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - begun_).count();
  if (of == 0) {
    std::fprintf(stderr, "\r\x1b[K%-9s %.0f s", stage, seconds);
    return;
  }
  const double rate = seconds > 0.1 ? static_cast<double>(done) / seconds : 0;
  const std::string line =
      jcnctl::progress_line(std::min(done, of), of, static_cast<std::uint64_t>(rate), widest_bar);
  std::fprintf(stderr, "\r\x1b[K%-9s %s", stage, line.c_str());
}

void Bar::clear() {
  if (terminal_) std::fputs("\r\x1b[K", stderr);
}

std::string size_text(std::uint64_t bytes) {
  char text[32];
  if (bytes < 1'000'000) {
    std::snprintf(text, sizeof text, "%.1f kB", static_cast<double>(bytes) / 1e3);
  } else {
    std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
  }
  return text;
}

}  // namespace jcn_export
