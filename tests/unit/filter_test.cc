#include "jcn/filter.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

using Operands = std::vector<std::string>;

Filter parsed(std::string_view name, std::string_view value) {
  auto filter = parse_filter(name, value);
  EXPECT_TRUE(filter.ok()) << name << '=' << value;
  return filter.ok() ? *filter : Filter{};
}

Code refused(std::string_view name, std::string_view value) {
  const auto filter = parse_filter(name, value);
  EXPECT_FALSE(filter.ok()) << name << '=' << value;
  return filter.ok() ? Code::internal : filter.error().code;
}

TEST(ParseFilter, NameAndOperator) {
  EXPECT_EQ(parsed("title", "x").op, Operator::exact);
  EXPECT_EQ(parsed("title", "x").field.path, "/title");
  EXPECT_EQ(parsed("a.b__gte", "x").op, Operator::gte);
  EXPECT_EQ(parsed("a.b__gte", "x").field.path, "/a/b");
  EXPECT_EQ(parsed("a__b__lt", "x").field.path, "/a__b");  // the last __ splits
  EXPECT_EQ(parsed("/tags/0__exact", "x").field.path, "/tags/0");
  EXPECT_EQ(parsed("_id__startswith", "x").field.kind, Field::Kind::id);
  EXPECT_EQ(parsed("a__gte", "x").name, "a__gte");
  EXPECT_EQ(parsed("a__gte", "x").value, "x");
  EXPECT_EQ(refused("a__near", "x"), Code::unknown_operator);
  EXPECT_EQ(refused("a__", "x"), Code::unknown_operator);
  EXPECT_EQ(refused("a__b", "x"), Code::unknown_operator);
  EXPECT_EQ(refused("a__EXACT", "x"), Code::unknown_operator);
  EXPECT_EQ(refused("__exact", "x"), Code::bad_field);
  EXPECT_EQ(refused("/a~__exact", "x"), Code::bad_field);
}

TEST(ParseFilter, EveryOperatorByName) {
  for (int i = 0; i <= static_cast<int>(Operator::arraynotcontains); ++i) {
    const auto op = static_cast<Operator>(i);
    EXPECT_EQ(operator_from_name(operator_name(op)), op);
    EXPECT_EQ(parsed("a__" + std::string(operator_name(op)), "1").op, op);
  }
  EXPECT_FALSE(operator_from_name(""));
  EXPECT_FALSE(operator_from_name("not_"));
}

TEST(ParseFilter, ValuesAreStringsAndWhatElseTheyAre) {
  EXPECT_EQ(parsed("a", "5").operands, (Operands{"\"5\"", "5"}));
  EXPECT_EQ(parsed("a", "true").operands, (Operands{"\"true\"", "true"}));
  EXPECT_EQ(parsed("a__not", "false").operands, (Operands{"\"false\"", "false"}));
  EXPECT_EQ(parsed("a", "null").operands, (Operands{"\"null\""}));
  EXPECT_EQ(parsed("a", "").operands, (Operands{"\"\""}));
  EXPECT_EQ(parsed("a", "say \"hi\"\n").operands, (Operands{R"("say \"hi\"\n")"}));
  for (const char* number : {"0", "-0", "12", "-1.50", "1e5", "1E+5", "0.1e-400", "1e999"}) {
    EXPECT_EQ(parsed("a__gt", number).operands.size(), 2U) << number;
    EXPECT_EQ(parsed("a__gt", number).operands.back(), number);
  }
  for (const char* text : {"01", "+1", " 1", "1 ", ".5", "1.", "1e", "1e+", "-", "--1", "0x1",
                           "1_0", "Infinity", "NaN", "True", "1,5"}) {
    EXPECT_EQ(parsed("a__arraycontains", text).operands.size(), 1U) << text;
  }
  EXPECT_EQ(refused("a", "\xff"), Code::bad_value);
  EXPECT_EQ(refused("a__isnull", "\xff"), Code::bad_value);
}

TEST(ParseFilter, IntegersInAListOfIdsAreTheirText) {
  EXPECT_EQ(parsed("_id__in", R"([1041,"moth",-0,5.0,1e3,true])").operands,
            (Operands{"\"1041\"", "\"moth\"", "\"0\"", "5.0", "1e3", "true"}));
  EXPECT_EQ(parsed("id__in", "[1041]").operands, Operands{"1041"});
}

TEST(ParseFilter, TextOperatorsReadStringsOnly) {
  for (const char* op : {"contains", "startswith", "endswith"}) {
    EXPECT_EQ(parsed("a__" + std::string(op), "5").operands, (Operands{"\"5\""}));
    EXPECT_EQ(parsed("a__" + std::string(op), "").operands, (Operands{"\"\""}));
  }
}

TEST(ParseFilter, Lists) {
  EXPECT_EQ(parsed("a__in", "x,5,,true").operands,
            (Operands{"\"x\"", "\"5\"", "5", "\"\"", "\"true\"", "true"}));
  EXPECT_EQ(parsed("a__in", "").operands, (Operands{"\"\""}));
  EXPECT_EQ(parsed("a__in", R"(["x", 5 ,null,false,"a,b","\u00e9"])").operands,
            (Operands{"\"x\"", "5", "null", "false", "\"a,b\"", "\"é\""}));
  EXPECT_EQ(parsed("a__in", "[]").operands, Operands{});
  EXPECT_EQ(parsed("a__in", " [1]").operands, (Operands{"\" [1]\""}));
  for (const char* text : {"[", "[1", "[1]x", "[[1]]", "[{}]", "[1,]", "[1e400]", "[01]"}) {
    EXPECT_EQ(refused("a__in", text), Code::bad_value) << text;
  }
}

TEST(ParseFilter, Flags) {
  for (const char* yes : {"1", "true", "on", ""}) {
    EXPECT_EQ(parsed("a__isnull", yes).op, Operator::isnull);
    EXPECT_EQ(parsed("a__notnull", yes).op, Operator::notnull);
  }
  for (const char* no : {"0", "false", "off"}) {
    EXPECT_EQ(parsed("a__isnull", no).op, Operator::notnull);
    EXPECT_EQ(parsed("a__notnull", no).op, Operator::isnull);
    EXPECT_EQ(parsed("a__notnull", no).name, "a__notnull");
  }
  for (const char* odd : {"yes", "2", "TRUE", "null"}) {
    EXPECT_EQ(refused("a__isnull", odd), Code::bad_value);
  }
  EXPECT_TRUE(parsed("a__isnull", "1").operands.empty());
}

TEST(NamesFilter, UnderscoreMeansAParameterUnlessAnOperatorFollows) {
  for (const char* name : {"title", "a__b", "a__exact", "_type__exact", "_id__in", "/_id", ""}) {
    EXPECT_TRUE(names_filter(name)) << name;
  }
  for (const char* name : {"_size", "_id", "_type__", "_type__near", "_search_title", "__"}) {
    EXPECT_FALSE(names_filter(name)) << name;
  }
}

}  // namespace
}  // namespace jcn
