#include "match.h"

#include <gtest/gtest.h>

#include "jcn/record.h"

namespace jcn {
namespace {

Record record_with(const std::string& document) {
  Record record;
  record.key = {"videos", "abc"};
  record.document = document;
  record.fragments = {{{"main", "b"}, 1, 2'000'000'000, false},
                      {{"main", "a"}, 1, 1'500'000'000, false}};
  return record;
}

bool holds(const std::string& document, const std::string& name, const std::string& value) {
  const auto filter = parse_filter(name, value);
  EXPECT_TRUE(filter.ok()) << name << '=' << value;
  return filter.ok() && matches(*filter, record_with(document));
}

TEST(Matches, EachReadingWithinItsType) {
  EXPECT_TRUE(holds(R"({"a":5})", "a", "5"));
  EXPECT_TRUE(holds(R"({"a":"5"})", "a", "5"));
  EXPECT_TRUE(holds(R"({"a":5.0})", "a", "5"));
  EXPECT_FALSE(holds(R"({"a":"5.0"})", "a", "5"));
  EXPECT_TRUE(holds(R"({"a":true})", "a", "true"));
  EXPECT_FALSE(holds(R"({"a":null})", "a", "null"));
  EXPECT_TRUE(holds(R"({"a":null})", "a__in", "[null]"));
  EXPECT_FALSE(holds(R"({"a":"5"})", "a__in", "[5]"));
  EXPECT_TRUE(holds(R"({"a":""})", "a", ""));
  EXPECT_FALSE(holds(R"({"a":{"b":5}})", "a", "5"));
  EXPECT_FALSE(holds("{}", "a", "5"));
  EXPECT_FALSE(holds(R"({"a":5})", "a__in", "[]"));
}

TEST(Matches, Order) {
  EXPECT_TRUE(holds(R"({"a":700})", "a__gte", "600"));
  EXPECT_TRUE(holds(R"({"a":"700"})", "a__gte", "600"));
  EXPECT_TRUE(holds(R"({"a":"7"})", "a__gte", "600"));   // as strings
  EXPECT_FALSE(holds(R"({"a":7})", "a__gte", "600"));    // as numbers
  EXPECT_FALSE(holds(R"({"a":700})", "a__gte", "six"));  // never across types
  EXPECT_TRUE(holds(R"({"a":true})", "a__gt", "false"));
  EXPECT_FALSE(holds(R"({"a":null})", "a__lt", "false"));
  EXPECT_TRUE(holds(R"({"a":64176294690080990})", "a__lt", "64176294690080991"));
  EXPECT_TRUE(holds(R"({"a":1e2})", "a__lte", "100.0"));
  EXPECT_FALSE(holds(R"({"a":1e2})", "a__lt", "100.0"));
  EXPECT_TRUE(holds(R"({"a":"é"})", "a__gt", "z"));  // bytewise
}

TEST(Matches, Text) {
  EXPECT_TRUE(holds(R"({"a":"say \"hi\""})", "a__contains", "\"hi"));
  EXPECT_FALSE(holds(R"({"a":"Hi"})", "a__contains", "hi"));
  EXPECT_TRUE(holds(R"({"a":"hello"})", "a__startswith", "hell"));
  EXPECT_FALSE(holds(R"({"a":"hello"})", "a__startswith", "hello!"));
  EXPECT_TRUE(holds(R"({"a":"hello"})", "a__endswith", "lo"));
  EXPECT_FALSE(holds(R"({"a":55})", "a__contains", "5"));
  for (const char* op : {"a__contains", "a__startswith", "a__endswith"}) {
    EXPECT_TRUE(holds(R"({"a":""})", op, ""));
    EXPECT_FALSE(holds(R"({"a":5})", op, ""));
    EXPECT_FALSE(holds(R"({"a":[]})", op, ""));
  }
}

TEST(Matches, ArraysByAnyScalarDirectlyInThem) {
  const std::string document = R"({"a":[1,"x",[2],{"b":3},null]})";
  EXPECT_TRUE(holds(document, "a", "1"));
  EXPECT_TRUE(holds(document, "a__startswith", "x"));
  EXPECT_FALSE(holds(document, "a", "2"));
  EXPECT_FALSE(holds(document, "a.b", "3"));
  EXPECT_TRUE(holds(document, "a__in", "[null]"));
  EXPECT_TRUE(holds(document, "a__arraycontains", "x"));
  EXPECT_FALSE(holds(document, "a__arraycontains", "2"));
  EXPECT_TRUE(holds(document, "a__arraynotcontains", "2"));
  EXPECT_FALSE(holds(document, "a__arraynotcontains", "1"));
  EXPECT_FALSE(holds(R"({"a":1})", "a__arraycontains", "1"));
  EXPECT_FALSE(holds(R"({"a":1})", "a__arraynotcontains", "2"));
  EXPECT_TRUE(holds(R"({"a":[]})", "a__arraynotcontains", "2"));
}

TEST(Matches, NotWantsTheMember) {
  EXPECT_TRUE(holds(R"({"a":4})", "a__not", "5"));
  EXPECT_FALSE(holds(R"({"a":5})", "a__not", "5"));
  EXPECT_FALSE(holds(R"({"a":"5"})", "a__not", "5"));
  EXPECT_FALSE(holds(R"({"b":4})", "a__not", "5"));
  EXPECT_FALSE(holds(R"({"a":[4,5]})", "a__not", "5"));
  for (const char* other : {"null", "[]", "{}", "[[5]]", "{\"b\":5}"}) {
    EXPECT_TRUE(holds("{\"a\":" + std::string(other) + "}", "a__not", "5")) << other;
  }
}

TEST(Matches, Null) {
  for (const char* document : {"{}", R"({"a":null})"}) {
    EXPECT_TRUE(holds(document, "a__isnull", "1"));
    EXPECT_FALSE(holds(document, "a__notnull", "1"));
    EXPECT_FALSE(holds(document, "a__isnull", "0"));
  }
  for (const char* value : {"[null]", "[]", "{}", "0", "\"\"", "false"}) {
    EXPECT_FALSE(holds("{\"a\":" + std::string(value) + "}", "a__isnull", "1")) << value;
    EXPECT_TRUE(holds("{\"a\":" + std::string(value) + "}", "a__notnull", "1")) << value;
  }
}

TEST(Matches, DotsWalkObjectsAndPointersArraysToo) {
  const std::string document = R"({"a":{"0":"in"},"t":["x",["y"],{"b":"z"}],"c":{"t":[7]}})";
  EXPECT_TRUE(holds(document, "a.0", "in"));
  EXPECT_TRUE(holds(document, "/a/0", "in"));
  EXPECT_FALSE(holds(document, "t.0", "x"));
  EXPECT_TRUE(holds(document, "t.0__isnull", "1"));
  EXPECT_TRUE(holds(document, "/t/0", "x"));
  EXPECT_FALSE(holds(document, "/t/0", "y"));
  EXPECT_TRUE(holds(document, "/t/1", "y"));
  EXPECT_TRUE(holds(document, "/t/1__arraycontains", "y"));
  EXPECT_TRUE(holds(document, "/t/2/b", "z"));
  EXPECT_TRUE(holds(document, "/t/3__isnull", "1"));
  EXPECT_FALSE(holds(document, "/t/-__notnull", "1"));
  EXPECT_FALSE(holds(document, "/t/00__notnull", "1"));
}

TEST(Matches, ManyOperands) {
  std::string list = "x";
  for (int i = 0; i < 50; ++i) list += "," + std::to_string(i * 2);
  const std::string document =
      R"({"hit":[3,[8],{"a":8},1e1],"text":["9","8"],"miss":[1,"x1",null],"one":4})";
  EXPECT_TRUE(holds(document, "hit__in", list));
  EXPECT_TRUE(holds(document, "text__in", list));
  EXPECT_TRUE(holds(document, "one__in", list));
  EXPECT_FALSE(holds(document, "miss__in", list));
}

TEST(Matches, ComputedFields) {
  EXPECT_TRUE(holds("{}", "_id", "abc"));
  EXPECT_TRUE(holds("{\"_id\":5}", "_id__gt", "abb"));
  EXPECT_TRUE(holds("{\"_id\":5}", "/_id", "5"));
  EXPECT_FALSE(holds("{}", "_id__isnull", "1"));
  EXPECT_FALSE(holds("{}", "_id__arraynotcontains", "x"));
  EXPECT_TRUE(holds("{}", "_created", "1970-01-01T00:00:01.500000000Z"));
  EXPECT_TRUE(holds("{}", "_updated", "1970-01-01T00:00:02.000000000Z"));
  EXPECT_TRUE(holds("{}", "_created__lt", "1970-01-01T00:00:02"));
}

TEST(Matches, SinceIsAbsentWhereThereIsNoState) {
  Record record = record_with("{}");
  EXPECT_FALSE(matches(*parse_filter("_since__lt", "3000"), record));
  EXPECT_TRUE(matches(*parse_filter("_since__isnull", "1"), record));
  EXPECT_FALSE(matches(*parse_filter("_since__not", "x"), record));
  record.since_ns = 1'500'000'000;
  EXPECT_TRUE(matches(*parse_filter("_since", "1970-01-01T00:00:01.500000000Z"), record));
  EXPECT_TRUE(matches(*parse_filter("_since__lt", "1970-01-01T00:00:02"), record));
  EXPECT_TRUE(matches(*parse_filter("_since__notnull", "1"), record));
}

TEST(Matches, OrphansNever) {
  Record record = record_with("");
  record.exists = false;
  EXPECT_FALSE(matches(*parse_filter("a__isnull", "1"), record));
  EXPECT_FALSE(matches(*parse_filter("_id", "abc"), record));
}

TEST(MatchesAll, IsAnd) {
  const Record record = record_with(R"({"a":1,"b":2})");
  EXPECT_TRUE(matches_all({*parse_filter("a", "1"), *parse_filter("b", "2")}, record));
  EXPECT_FALSE(matches_all({*parse_filter("a", "1"), *parse_filter("b", "3")}, record));
  EXPECT_TRUE(matches_all({}, record));
}

}  // namespace
}  // namespace jcn
