#include "latency_histogram.h"

#include <algorithm>
#include <numeric>

namespace jcn {

using std::chrono::nanoseconds;

std::uint64_t LatencyReading::total() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::optional<nanoseconds> LatencyReading::quantile(double part) const {
  const std::uint64_t all = total();
  if (all == 0) return std::nullopt;
  const double rank = part * static_cast<double>(all);
  double below = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (here > 0 && below + here >= rank) {
      const nanoseconds from = i == 0 ? nanoseconds(0) : bounds[i - 1];
      const double share = std::max(0.0, rank - below) / here;
      return from + nanoseconds(static_cast<std::int64_t>(
                        share * static_cast<double>((bounds[i] - from).count())));
    }
    below += here;
  }
  return bounds.back();
}

LatencyReading LatencyReading::since(const LatencyReading& before) const {
  LatencyReading difference;
  for (std::size_t i = 0; i < counts.size(); ++i)
    difference.counts[i] = counts[i] - before.counts[i];
  difference.sum = sum - before.sum;
  return difference;
}

void LatencyHistogram::count(nanoseconds took) {
  const auto& bounds = LatencyReading::bounds;
  const auto bucket = static_cast<std::size_t>(
      std::lower_bound(bounds.begin(), bounds.end(), took) - bounds.begin());
  sum_ns_.fetch_add(took.count(), std::memory_order_relaxed);
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
}

LatencyReading LatencyHistogram::read() const {
  LatencyReading now;
  for (std::size_t i = 0; i < counts_.size(); ++i)
    now.counts[i] = counts_[i].load(std::memory_order_relaxed);
  now.sum = nanoseconds(sum_ns_.load(std::memory_order_relaxed));
  return now;
}

}  // namespace jcn
