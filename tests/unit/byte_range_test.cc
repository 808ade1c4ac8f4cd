#include "byte_range.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

using Range = std::optional<ByteRange>;

TEST(ByteRange, OneRange) {
  EXPECT_EQ(read_byte_range("bytes=0-9", 100), Range({0, 10}));
  EXPECT_EQ(read_byte_range("bytes=5-", 100), Range({5, 95}));
  EXPECT_EQ(read_byte_range("bytes=99-99", 100), Range({99, 1}));
  EXPECT_EQ(read_byte_range("bytes=-7", 100), Range({93, 7}));
}

TEST(ByteRange, EndsWhereTheFileDoes) {
  EXPECT_EQ(read_byte_range("bytes=90-1000", 100), Range({90, 10}));
  EXPECT_EQ(read_byte_range("bytes=-1000", 100), Range({0, 100}));
  EXPECT_EQ(read_byte_range("bytes=0-18446744073709551615", 100), Range({0, 100}));
}

TEST(ByteRange, BehindTheEndThereIsNothing) {
  for (const char* header : {"bytes=100-", "bytes=100-200", "bytes=18446744073709551615-"}) {
    const auto range = read_byte_range(header, 100);
    ASSERT_TRUE(range) << header;
    EXPECT_EQ(range->length, 0u) << header;
  }
  EXPECT_EQ(read_byte_range("bytes=-0", 100)->length, 0u);
  EXPECT_EQ(read_byte_range("bytes=0-", 0)->length, 0u);
}

TEST(ByteRange, EverythingElseIsAsIfItWereNotThere) {
  for (const char* header :
       {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes=5-3", "bytes=0-1,5-6",
        "lines=0-1", "bytes= 0-1", "bytes=0-1 ", "bytes=+1-2", "bytes=--5",
        "bytes=18446744073709551616-", "bytes=0-99999999999999999999"}) {
    EXPECT_EQ(read_byte_range(header, 100), std::nullopt) << header;
  }
}

}  // namespace
}  // namespace jcn
