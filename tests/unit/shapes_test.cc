#include "shapes.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace jcn_export {
namespace {

// Path → "records: counts" of what is there.
std::map<std::string, std::string> told(const Shapes& shapes) {
  std::map<std::string, std::string> all;
  for (NodeId node = 0; node < shapes.size(); ++node) {
    if (shapes[node].records == 0) continue;
    std::string text = std::to_string(shapes[node].records) + ':';
    for (const std::uint64_t count : shapes[node].counts) text += ' ' + std::to_string(count);
    all[shapes.path(node)] = text;
  }
  return all;
}

TEST(Shapes, FormsOfNumbersSayWhatSqliteCanHold) {
  EXPECT_EQ(form_of("0"), Form::integer);
  EXPECT_EQ(form_of("-9007199254740992"), Form::integer);
  EXPECT_EQ(form_of("9007199254740993"), Form::wide);
  EXPECT_EQ(form_of("9223372036854775807"), Form::wide);
  EXPECT_EQ(form_of("9223372036854775808"), Form::exact);
  EXPECT_EQ(form_of("-9223372036854775809"), Form::exact);
  EXPECT_EQ(form_of("1.10"), Form::real);
  EXPECT_EQ(form_of("1e2"), Form::real);
  EXPECT_EQ(form_of("0.1"), Form::real);
  EXPECT_EQ(form_of("12345678901234.5"), Form::real);
  EXPECT_EQ(form_of("3.14159265358979323846"), Form::exact);
  EXPECT_EQ(form_of("0.1000000000000000055511151231257827"), Form::exact);
  EXPECT_EQ(form_of("1e-400"), Form::exact);
  EXPECT_EQ(form_of("5e-324"), Form::real);
  EXPECT_EQ(form_of("5.1e-324"), Form::exact);
}

TEST(Shapes, FormsOfTheRest) {
  EXPECT_EQ(form_of("null"), Form::null);
  EXPECT_EQ(form_of("true"), Form::boolean);
  EXPECT_EQ(form_of("\"a\""), Form::text);
  EXPECT_EQ(form_of('"' + std::string(longest_label, 'x') + '"'), Form::text);
  EXPECT_EQ(form_of('"' + std::string(longest_label + 1, 'x') + '"'), Form::long_text);
  EXPECT_EQ(form_of("[]"), Form::list);
  EXPECT_EQ(form_of("[1,\"[\"]"), Form::list);
  EXPECT_EQ(form_of("[1,[2]]"), Form::rows);
  EXPECT_EQ(form_of("[{}]"), Form::rows);
  EXPECT_EQ(form_of("{}"), Form::object);
}

TEST(Shapes, EachRecordCountsOncePerPlaceAndForm) {
  Shapes shapes;
  shapes.add(R"({"a":{"b":1},"l":[1,2,"x",{"c":1},{"c":"y"},{"c":2}]})");
  shapes.add(R"({"a":null,"l":[]})");
  EXPECT_EQ(shapes.records(), 2u);
  const auto all = told(shapes);
  EXPECT_EQ(all.at(""), "2: 0 0 0 0 0 0 0 0 0 0 0");
  EXPECT_EQ(all.at("/a"), "2: 1 0 0 0 0 0 0 0 0 0 1");
  EXPECT_EQ(all.at("/a/b"), "1: 0 0 1 0 0 0 0 0 0 0 0");
  EXPECT_EQ(all.at("/l"), "2: 0 0 0 0 0 0 0 0 1 1 0");
  EXPECT_EQ(all.at("/l/~*"), "1: 0 0 1 0 0 0 1 0 0 0 1");
  EXPECT_EQ(all.at("/l/~*/c"), "1: 0 0 1 0 0 0 1 0 0 0 0");
}

TEST(Shapes, ArraysWithinArraysAreNotLookedInto) {
  Shapes shapes;
  shapes.add(R"({"a":[[{"x":1}],{"deep":[{"y":1}]}]})");
  const auto all = told(shapes);
  EXPECT_TRUE(all.contains("/a/~*/deep"));
  EXPECT_FALSE(all.contains("/a/~*/~*"));
  EXPECT_FALSE(all.contains("/a/~*/deep/~*"));
}

TEST(Shapes, PathsLeadBack) {
  Shapes shapes;
  shapes.add(R"({"a/b":{"~":[{"":1}]},"q\"":true})");
  for (NodeId node = 0; node < shapes.size(); ++node) {
    EXPECT_EQ(shapes.at_path(shapes.path(node)), node) << shapes.path(node);
  }
  EXPECT_EQ(shapes.size(), 6u);
}

TEST(Shapes, WhatWasTakenAwayLeavesNoTrace) {
  const std::string documents[] = {R"({"a":1,"b":[1,{"c":2}]})", R"({"b":[],"a":"x"})",
                                   R"({"d":{"e":{"f":1.5}}})", R"({})",
                                   R"({"d":{"e":[1,2,3]},"b":[{"c":null},{"g":true}]})"};
  std::mt19937 random(7);
  Shapes walked;
  std::map<std::size_t, int> living;
  for (int step = 0; step < 2000; ++step) {
    const std::size_t which = random() % std::size(documents);
    if (random() % 2 == 0) {
      walked.add(documents[which]);
      ++living[which];
    } else if (living[which] > 0) {
      walked.remove(documents[which]);
      --living[which];
    }
  }
  Shapes fresh;
  for (const auto& [which, times] : living) {
    for (int i = 0; i < times; ++i) fresh.add(documents[which]);
  }
  EXPECT_EQ(told(walked), told(fresh));
}

}  // namespace
}  // namespace jcn_export
