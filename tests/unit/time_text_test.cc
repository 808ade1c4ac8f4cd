#include "jcn/time_text.h"

#include <gtest/gtest.h>

#include <random>

namespace jcn {
namespace {

TEST(TimeText, TimesAreReadAsTheyAreWritten) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 10'000; ++i) {
    const auto ns = static_cast<std::int64_t>(random() % 9'000'000'000'000'000'000) -
                    static_cast<std::int64_t>(random() % 9'000'000'000'000'000'000);
    EXPECT_EQ(parse_rfc3339(rfc3339(ns)), ns) << rfc3339(ns);
  }
}

TEST(TimeText, WhatRfc3339Allows) {
  constexpr std::int64_t second = 1'000'000'000, noon = 1'772'366'400 * second;
  for (const char* text :
       {"2026-03-01T12:00:00Z", "2026-03-01t12:00:00z", "2026-03-01 12:00:00Z",
        "2026-03-01T14:30:00+02:30", "2026-02-28T23:00:00-13:00", "2026-03-01T12:00:00.0Z",
        "2026-03-01T12:00:00-00:00", "2026-03-01T11:59:60Z"})
    EXPECT_EQ(parse_rfc3339(text), noon) << text;
  EXPECT_EQ(parse_rfc3339("2026-03-01T12:00:00.25Z"), noon + second / 4);
  EXPECT_EQ(parse_rfc3339("2026-03-01T12:00:00.1234567891Z"), noon + 123'456'789);
  EXPECT_EQ(parse_rfc3339("2024-02-29T00:00:00Z"), 1'709'164'800 * second);
  EXPECT_EQ(parse_rfc3339("1678-01-01T00:00:00Z"), -9'214'560'000 * second);
  EXPECT_EQ(rfc3339(*parse_rfc3339("2261-12-31T23:59:59Z")), "2261-12-31T23:59:59.000000000Z");
}

TEST(TimeText, WhatItDoesNotAllow) {
  for (const char* text : {"",
                           "2026",
                           "2026-03-01",
                           "2026-03-01T12:00Z",
                           "2026-03-01T12:00:00",
                           "2026-3-1T12:00:00Z",
                           "2026-02-29T12:00:00Z",
                           "2026-13-01T12:00:00Z",
                           "2026-00-01T12:00:00Z",
                           "2026-04-31T12:00:00Z",
                           "2026-03-01T24:00:00Z",
                           "2026-03-01T12:60:00Z",
                           "2026-03-01T12:00:61Z",
                           "2026-03-01T12:00:00.Z",
                           "2026-03-01T12:00:00+2:00",
                           "2026-03-01T12:00:00+24:00",
                           "2026-03-01T12:00:00+0200",
                           "2026-03-01T12:00:00ZZ",
                           " 2026-03-01T12:00:00Z",
                           "1677-12-31T23:59:59Z",
                           "2262-01-01T00:00:00Z",
                           "0000-01-01T00:00:00Z",
                           "20260-3-01T12:00:00Z",
                           "-026-03-01T12:00:00Z",
                           "yesterday"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
}

}  // namespace
}  // namespace jcn
