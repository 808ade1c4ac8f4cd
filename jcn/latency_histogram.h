// How long something took, counted in buckets as Prometheus wants it.
// https://prometheus.io/docs/concepts/metric_types/#histogram
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace jcn {

// What a histogram has counted by a moment.
struct LatencyReading {
  // Upper bounds, the bounds themselves included; one more bucket takes what is above.
  static constexpr std::array<std::chrono::nanoseconds, 17> bounds = {
      std::chrono::microseconds(50),   std::chrono::microseconds(100),
      std::chrono::microseconds(250),  std::chrono::microseconds(500),
      std::chrono::milliseconds(1),    std::chrono::microseconds(2500),
      std::chrono::milliseconds(5),    std::chrono::milliseconds(10),
      std::chrono::milliseconds(25),   std::chrono::milliseconds(50),
      std::chrono::milliseconds(100),  std::chrono::milliseconds(250),
      std::chrono::milliseconds(500),  std::chrono::seconds(1),
      std::chrono::milliseconds(2500), std::chrono::seconds(5),
      std::chrono::seconds(10)};

  std::array<std::uint64_t, bounds.size() + 1> counts{};  // of each bucket alone
  std::chrono::nanoseconds sum{0};

  std::uint64_t total() const;
  // The value below which this part of all lies, 0 to 1: linear within its bucket, as Prometheus'
  // histogram_quantile; the last bound for what is above it. Absent: nothing was counted.
  std::optional<std::chrono::nanoseconds> quantile(double part) const;
  // What was counted since.
  LatencyReading since(const LatencyReading& before) const;
};

// Any thread. A reading that is taken meanwhile may lack a part of what is being counted.
class LatencyHistogram {
 public:
  void count(std::chrono::nanoseconds took);
  LatencyReading read() const;

 private:
  std::array<std::atomic<std::uint64_t>, LatencyReading::bounds.size() + 1> counts_{};
  std::atomic<std::int64_t> sum_ns_{0};
};

}  // namespace jcn
