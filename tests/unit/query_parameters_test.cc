#include "query_parameters.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

QueryParameters read(std::string_view query) {
  auto parameters = QueryParameters::read(query);
  EXPECT_TRUE(parameters) << query;
  return parameters ? std::move(*parameters) : QueryParameters({});
}

TEST(QueryParameters, KeepsOrderAndRepetition) {
  const QueryParameters parameters = read("b=1&&a=x%20y&b=2+3&c&=z");
  std::string all;
  for (const Parameter& each : parameters.all()) all += each.name + "=" + each.value + ";";
  EXPECT_EQ(all, "b=1;a=x y;b=2 3;c=;=z;");
  EXPECT_EQ(*parameters.find("b"), "1");
  EXPECT_EQ(parameters.find("d"), nullptr);
  EXPECT_EQ(QueryParameters::read("a=%zz").error().code, Code::bad_target);
  EXPECT_EQ(QueryParameters::read("a=%00").error().code, Code::bad_target);
}

TEST(QueryParameters, AllowsWhatTheRouteKnows) {
  EXPECT_TRUE(read("x=1&y=2").allow({"x", "y", "z"}));
  EXPECT_EQ(read("x=1&w=2").allow({"x"}, "a hint").error().code, Code::unknown_parameter);
  EXPECT_EQ(read("x=1&w=2").allow({"x"}, "a hint").error().hint, "a hint");
  EXPECT_EQ(read("x=1&x=1").allow({"x"}).error().code, Code::bad_parameter);
}

TEST(QueryParameters, FiltersPassBesideTheNamedOnes) {
  const QueryParameters parameters =
      read("since=0&title=a&title=b&_type__exact=c&views__gt=5&_updated__gte=2024");
  EXPECT_TRUE(parameters.allow_beside_filters({"since"}));
  EXPECT_EQ(read("_colour=red").allow_beside_filters({"since"}).error().code,
            Code::unknown_parameter);
  EXPECT_EQ(read("_size=1&_size=1").allow_beside_filters({"_size"}).error().code,
            Code::bad_parameter);
  const auto filters = read("_size=5&title=a&title=b&_type__exact=c&views__gt=5").filters();
  ASSERT_TRUE(filters);
  ASSERT_EQ(filters->size(), 4u);
  EXPECT_EQ((*filters)[1].value, "b");
  EXPECT_EQ((*filters)[2].name, "_type__exact");
  EXPECT_EQ((*filters)[3].op, Operator::gt);
  EXPECT_EQ(read("title__like=a").filters().error().code, Code::unknown_operator);
}

TEST(QueryParameters, NumbersFlagsAndLists) {
  const QueryParameters parameters =
      read("n=7&zero=0&big=18446744073709551616&neg=-1&empty=&on=on&off=0&odd=yes&l=a,,b&l=c&l=");
  EXPECT_EQ(*parameters.number("n", 1, 10), 7u);
  EXPECT_EQ(*parameters.number("none", 1, 10), 1u);
  EXPECT_FALSE(parameters.number("n", 1, 6));
  EXPECT_FALSE(parameters.number("n", 1, 10, 8));
  EXPECT_EQ(*parameters.number("zero", 1, 10), 0u);
  EXPECT_EQ(parameters.number("zero", 1, 10, 1).error().message,
            "The parameter 'zero' must be a number from 1 to 10.");
  for (const char* wrong : {"big", "neg", "empty", "on"})
    EXPECT_FALSE(parameters.number(wrong, 1, 9));
  EXPECT_TRUE(*parameters.flag("on"));
  EXPECT_FALSE(*parameters.flag("off"));
  EXPECT_FALSE(*parameters.flag("none"));
  EXPECT_FALSE(parameters.flag("odd"));
  EXPECT_FALSE(parameters.flag("empty"));
  EXPECT_EQ(parameters.list("l"), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(parameters.list("none"), std::vector<std::string>{});
}

}  // namespace
}  // namespace jcn
