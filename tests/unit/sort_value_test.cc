#include "sort_value.h"

#include <gtest/gtest.h>

#include <vector>

#include "jcn/canonical.h"

namespace jcn {
namespace {

TEST(SortValue, OrdersAsValuesDo) {
  const std::string beginning(32, 'b'), digits(70, '7');
  const std::vector<std::string> ascending = {
      "null",
      "false",
      "true",
      "-" + digits + "8",
      "-" + digits,
      "-1.5",
      "0",
      "1e-400",
      "600",
      digits,
      digits + "1",
      "\"\"",
      "\"5\"",
      "\"b\"",
      "\"" + beginning + "\"",
      "\"" + beginning + std::string(64, 'a') + "\"",   // a whole key
      "\"" + beginning + std::string(65, 'a') + "\"",   // cut, behind it
      "\"" + beginning + std::string(65, 'a') + "b\"",  // another cut one
      "\"" + beginning + "b\"",
      "\"c\""};
  for (std::size_t a = 0; a < ascending.size(); ++a) {
    for (std::size_t b = 0; b < ascending.size(); ++b) {
      EXPECT_EQ(compare(sort_value(ascending[a]), sort_value(ascending[b])), a < b   ? -1
                                                                             : a > b ? 1
                                                                                     : 0)
          << ascending[a] << ' ' << ascending[b];
    }
  }
  EXPECT_EQ(compare(sort_value("1e2"), sort_value("100.0")), 0);
}

TEST(SortValue, LooksAtFourKibibytesOfAString) {
  const std::string beginning(4095, 'x');
  const auto value = [&](const std::string& end) {
    return sort_value(json_quote(beginning + end));
  };
  EXPECT_EQ(compare(value("ab"), value("ac")), 0);
  EXPECT_EQ(compare(value("a"), value("ac")), 0);
  EXPECT_EQ(compare(value("a"), value("b")), -1);
  // é has two bytes, of which the second is beyond: neither counts.
  EXPECT_EQ(compare(value("é"), value("è")), 0);
  EXPECT_EQ(compare(value("é"), value("")), 0);
}

TEST(SortValue, ComesBackFromItsJson) {
  for (const std::string& scalar :
       {std::string("null"), std::string("true"), std::string("-1.50"), std::string("1e-400"),
        json_quote("a\"b"), json_quote(std::string(97, 'y')), json_quote(std::string(9000, 'z')),
        std::string(5000, '3'), "-0." + std::string(5000, '4'),
        "1" + std::string(70, '0') + "1e-99999999999999999999"}) {
    const SortValue value = sort_value(scalar);
    const std::string json = sort_value_json(value);
    EXPECT_LE(json.size(), 8300U);
    const SortValue again = json.empty() ? SortValue{} : sort_value(json);
    EXPECT_EQ(compare(value, again), 0) << scalar.substr(0, 40);
  }
  EXPECT_EQ(sort_value_json(sort_value("null")), "");
}

TEST(ExtremeValue, OfWhatConditionsLookAt) {
  const auto json = [](std::string_view value, bool largest) {
    return sort_value_json(extreme_value(value, largest));
  };
  EXPECT_EQ(json(R"([3,"a",1,[0],{"b":0}])", false), "1");
  EXPECT_EQ(json(R"([3,"a",1,["b"],{"b":"c"}])", true), "\"a\"");
  EXPECT_EQ(json("[3,null]", false), "");
  EXPECT_EQ(json("[3,null]", true), "3");
  for (const char* nothing : {"null", "[]", "{}", "[[1]]", R"({"a":1})"}) {
    EXPECT_EQ(json(nothing, false), "") << nothing;
    EXPECT_EQ(json(nothing, true), "") << nothing;
  }
  EXPECT_EQ(sort_value_json(extreme_value(std::nullopt, true)), "");
}

}  // namespace
}  // namespace jcn
