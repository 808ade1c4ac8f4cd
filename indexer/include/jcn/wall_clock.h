// The wall clock, for what is compared with file times. Intervals are measured with steady_clock.
#pragma once

#include <time.h>

#include <cstdint>

namespace jcn {

inline std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

// CLOCK_REALTIME: nanoseconds since the epoch, UTC.
inline std::int64_t wall_clock_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now);
}

}  // namespace jcn
