#include "query_string.h"

#include <gtest/gtest.h>

namespace {

using cgi::QueryString;

TEST(QueryString, Decodes) {
  const QueryString query("a=1&b=x+y%20z%2b&a=2&&c&=d&e=%&f=%zz%4&g=a=b&%61%3d=h&");
  EXPECT_EQ(query.first("a"), "1");
  EXPECT_EQ(query.last("a"), "2");
  EXPECT_EQ(query.all("a", 9), (std::vector<std::string_view>{"1", "2"}));
  EXPECT_EQ(query.all("a", 1), (std::vector<std::string_view>{"1"}));
  EXPECT_EQ(query.first("b"), "x y z+");
  EXPECT_TRUE(query.has("c"));
  EXPECT_EQ(query.first("c"), "");
  EXPECT_EQ(query.first(""), "d");
  EXPECT_EQ(query.first("e"), "%");
  EXPECT_EQ(query.first("f"), "%zz%4");
  EXPECT_EQ(query.first("g"), "a=b");
  EXPECT_EQ(query.first("a="), "h");
  EXPECT_FALSE(query.has("z"));
  EXPECT_EQ(query.last("z"), "");
  EXPECT_FALSE(QueryString("").has(""));
}

TEST(QueryString, WhatIsNoUtf8IsReplaced) {
  EXPECT_EQ(QueryString("a=%FFx%C3%A4%ed%a0%80").first("a"), "\ufffdxä\ufffd\ufffd\ufffd");
  EXPECT_EQ(QueryString("a=%00%0d%0a").first("a"), std::string("\0\r\n", 3));
}

}  // namespace
