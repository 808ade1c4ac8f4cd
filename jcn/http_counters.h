// What the HTTP server counts, for /metrics.
#pragma once

#include <atomic>
#include <cstdint>

namespace jcn {

// Since start. Any thread.
struct HttpCounters {
  std::atomic<std::uint64_t> requests{0};  // handled or refused
  std::atomic<std::uint64_t> refused{0};   // before any route saw them
  std::atomic<std::uint64_t> given_up{0};  // connections whose clients were too slow
};

}  // namespace jcn
