#include "latency_histogram.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace jcn {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(LatencyHistogram, ABoundBelongsToItsBucket) {
  LatencyHistogram histogram;
  histogram.count(microseconds(100));
  histogram.count(microseconds(100) + nanoseconds(1));
  histogram.count(seconds(11));
  const LatencyReading reading = histogram.read();
  EXPECT_EQ(reading.counts[1], 1U);
  EXPECT_EQ(reading.counts[2], 1U);
  EXPECT_EQ(reading.counts.back(), 1U);
  EXPECT_EQ(reading.total(), 3U);
  EXPECT_EQ(reading.sum, seconds(11) + microseconds(200) + nanoseconds(1));
}

// As Prometheus' histogram_quantile has it.
TEST(LatencyHistogram, QuantilesAreLinearWithinABucket) {
  EXPECT_EQ(LatencyReading().quantile(0.5), std::nullopt);
  LatencyHistogram histogram;
  for (int i = 0; i < 4; ++i) histogram.count(milliseconds(7));  // of 5 to 10
  EXPECT_EQ(histogram.read().quantile(0.5), microseconds(7500));
  EXPECT_EQ(histogram.read().quantile(1), milliseconds(10));
  for (int i = 0; i < 4; ++i) histogram.count(microseconds(10));  // of 0 to 50 us
  EXPECT_EQ(histogram.read().quantile(0.5), microseconds(50));
  EXPECT_EQ(histogram.read().quantile(0.75), microseconds(7500));
  for (int i = 0; i < 100; ++i) histogram.count(seconds(60));
  EXPECT_EQ(histogram.read().quantile(0.99), seconds(10));
}

TEST(LatencyHistogram, ADifferenceIsWhatWasCountedMeanwhile) {
  LatencyHistogram histogram;
  histogram.count(milliseconds(1));
  const LatencyReading before = histogram.read();
  histogram.count(milliseconds(3));
  histogram.count(milliseconds(1));
  const LatencyReading since = histogram.read().since(before);
  EXPECT_EQ(since.total(), 2U);
  EXPECT_EQ(since.sum, milliseconds(4));
}

TEST(LatencyHistogram, LosesNothingAmongThreads) {
  LatencyHistogram histogram;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10'000; ++n) histogram.count(microseconds(n));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(histogram.read().total(), 40'000U);
  EXPECT_EQ(histogram.read().sum, microseconds(4LL * 9'999 * 10'000 / 2));
}

}  // namespace
}  // namespace jcn
