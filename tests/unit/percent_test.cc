#include "jcn/percent.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

TEST(Percent, AllButUnreservedCharactersAreEncoded) {
  EXPECT_EQ(percent_encoded("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encoded("a b/ä?"), "a%20b%2F%C3%A4%3F");
  EXPECT_EQ(percent_encoded(std::string_view("\0\x7f\xff", 3)), "%00%7F%FF");
  EXPECT_EQ(percent_encoded("a/b?c", "/"), "a/b%3Fc");
  EXPECT_EQ(percent_encoded(""), "");
}

}  // namespace
}  // namespace jcn
