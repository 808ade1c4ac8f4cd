#include "status_history.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t minute_ns = 60'000'000'000;

TEST(StatusHistory, BeginsWithTheMinuteUnderWay) {
  const StatusHistory history(5);
  EXPECT_TRUE(history.rows(0, {}).empty());
  const auto rows = history.rows(60, {7, 1, 6, {}});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].since_ns, 5);
  EXPECT_EQ(rows[0].fragments, 7U);
  EXPECT_EQ(rows[0].rejects, 1U);
  EXPECT_EQ(rows[0].read, 6U);
  EXPECT_EQ(rows[0].visible, 0U);
  EXPECT_FALSE(rows[0].p50);
}

TEST(StatusHistory, ARowTellsOfItsOwnMinute) {
  StatusHistory history(0);
  LatencyHistogram visible;
  visible.count(milliseconds(7));
  history.end_minute(minute_ns, {10, 2, 12, visible.read()});
  visible.count(milliseconds(70));
  visible.count(milliseconds(70));
  const auto rows = history.rows(60, {9, 3, 15, visible.read()});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].read, 12U);
  EXPECT_EQ(rows[0].visible, 1U);
  EXPECT_EQ(rows[0].fragments, 10U);
  EXPECT_EQ(rows[1].since_ns, minute_ns);
  EXPECT_EQ(rows[1].read, 3U);
  EXPECT_EQ(rows[1].visible, 2U);
  EXPECT_EQ(rows[1].fragments, 9U) << "what stands is not counted on";
  EXPECT_EQ(rows[1].p50, milliseconds(75)) << "not of the minute before";
  EXPECT_EQ(history.rows(1, {}).size(), 1U);
}

TEST(StatusHistory, KeepsADay) {
  StatusHistory history(0);
  for (std::int64_t i = 1; i <= 2000; ++i)
    history.end_minute(i * minute_ns, {static_cast<std::uint64_t>(i), 0, 0, {}});
  const auto rows = history.rows(5000, {2001, 0, 0, {}});
  ASSERT_EQ(rows.size(), StatusHistory::most);
  EXPECT_EQ(rows.back().fragments, 2001U);
  EXPECT_EQ(rows.front().fragments, 2002U - StatusHistory::most);
}

}  // namespace
}  // namespace jcn
