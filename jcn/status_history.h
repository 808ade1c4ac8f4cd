// What the daemon was like, minute by minute, for pictures: GET /v1/status/history. In memory: it
// begins anew with each start.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "latency_histogram.h"

namespace jcn {

// Thread-safe. Whoever owns it calls end_minute() once a minute.
class StatusHistory {
 public:
  static constexpr std::chrono::seconds step{60};
  static constexpr std::size_t most = 24 * 60;  // rows kept

  // What counts on, or stands, at a moment.
  struct Totals {
    std::uint64_t fragments = 0, rejects = 0;  // that are known
    std::uint64_t read = 0;                    // files, since start
    LatencyReading visible;                    // changes of files, since start
  };
  struct Row {
    std::int64_t since_ns = 0;                         // when it began, by the wall clock
    std::uint64_t fragments = 0, rejects = 0;          // at its end
    std::uint64_t read = 0, visible = 0;               // in it
    std::optional<std::chrono::nanoseconds> p50, p99;  // of what became visible in it
  };

  explicit StatusHistory(std::int64_t now_ns) : since_ns_(now_ns) {}

  void end_minute(std::int64_t now_ns, const Totals& now);
  // The newest `count` of them, oldest first; the last one is under way.
  std::vector<Row> rows(std::size_t count, const Totals& now) const;

 private:
  Row row(const Totals& now) const;

  mutable std::mutex lock_;
  std::deque<Row> ended_;  // guarded by lock_
  std::int64_t since_ns_;  // of the row under way; guarded by lock_
  Totals before_;          // when it began; guarded by lock_
};

}  // namespace jcn
