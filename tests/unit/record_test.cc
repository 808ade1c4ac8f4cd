#include "jcn/record.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

// XXH3-128 of the empty string, as its specification gives it.
TEST(Hash128, KnownValue) {
  EXPECT_EQ(hash128("").hex(), "99aa06d3014798d86001c324468d497f");
  EXPECT_NE(hash128("a"), hash128("b"));
  EXPECT_EQ(Hash128{}.hex(), std::string(32, '0'));
}

TEST(Record, OldestAndNewestFragment) {
  Record record;
  EXPECT_EQ(record.created_ns(), 0);
  EXPECT_EQ(record.updated_ns(), 0);
  record.fragments = {{{"r", "a"}, 1, 500}, {{"r", "b"}, 1, -3}, {{"r", "c"}, 1, 20}};
  EXPECT_EQ(record.created_ns(), -3);
  EXPECT_EQ(record.updated_ns(), 500);
}

TEST(RecordKey, OrdersByKindThenIdBytewise) {
  EXPECT_LT((RecordKey{"a", "z"}), (RecordKey{"b", "a"}));
  EXPECT_LT((RecordKey{"a", "Z"}), (RecordKey{"a", "a"}));
  EXPECT_LT((RecordKey{"a", "z"}), (RecordKey{"a", "\xC3\xA9"}));
}

TEST(RacilyClean, WithinTwoSecondsOfTheReading) {
  FileRow row;
  row.facts.ctime_ns = 10'000'000'000;
  row.read_ns = 12'000'000'000;
  EXPECT_FALSE(racily_clean(row));
  row.read_ns -= 1;
  EXPECT_TRUE(racily_clean(row));
}

}  // namespace
}  // namespace jcn
