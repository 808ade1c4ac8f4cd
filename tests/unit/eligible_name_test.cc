#include "eligible_name.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

Code code_of(const std::string& path, const Rules& rules = {}) {
  const auto rule = eligible_rule(rules, {"notes", path});
  return rule ? Code::internal : rule.error().code;
}

TEST(EligibleName, HasARule) {
  const Rules rules;
  const auto rule = eligible_rule(rules, {"notes", "a/b c/ž.json"});
  ASSERT_TRUE(rule.ok());
  EXPECT_EQ(*rule, &rules.rules[0]);
}

TEST(EligibleName, IsAPlainPath) {
  for (const char* path : {"", "/a.json", "a//b.json", "a.json/", "..", "../a.json", "a/../b.json",
                           "a/..", "./a.json", "a/./b.json", "."})
    EXPECT_EQ(code_of(path), Code::bad_path) << path;
  EXPECT_EQ(code_of(std::string("a\0.json", 7)), Code::bad_path);
  EXPECT_EQ(code_of("a/...json"), Code::ignored_name) << "three dots are a name";
}

TEST(EligibleName, IsNoLongerThanTheSystemTakes) {
  EXPECT_EQ(code_of(std::string(250, 'a') + ".json"), Code::internal);
  EXPECT_EQ(code_of(std::string(251, 'a') + ".json"), Code::path_too_long);
  std::string deep;
  while (deep.size() < 4085) deep += "folder/";
  EXPECT_EQ(code_of(deep + "a.json"), Code::internal);
  EXPECT_EQ(code_of(deep + "folder/a.json"), Code::path_too_long);
}

TEST(EligibleName, IsNotIgnored) {
  for (const char* path : {".a.json", ".git/a.json", "a.json~", "a.json.part", "a/#b.json#",
                           ".jcn-0.tmp", "a/.hidden/b.json"})
    EXPECT_EQ(code_of(path), Code::ignored_name) << path;
  const Rules rules;
  EXPECT_NE(eligible_rule(rules, {"notes", "a/.git/b.json"}).error().message.find("\".git\""),
            std::string::npos);
}

TEST(EligibleName, IsTakenByARule) {
  for (const char* path : {"a.txt", "a", "a.json/b", "a.JSON"})
    EXPECT_EQ(code_of(path), Code::no_rule) << path;
}

TEST(EligibleName, TemporaryNamesMustNotBeFragmentsThemselves) {
  Rules rules;
  const FragmentName name{"notes", "a/b.json"};
  EXPECT_TRUE(writable_rule(rules, name).ok());
  rules.ignore.clear();
  EXPECT_TRUE(writable_rule(rules, name).ok()) << "no rule takes them";
  rules.rules[0].match = "**";
  EXPECT_EQ(writable_rule(rules, name).error().code, Code::bad_configuration);
  EXPECT_TRUE(eligible_rule(rules, name).ok());
  rules.ignore = {".jcn-*.tmp"};
  EXPECT_TRUE(writable_rule(rules, name).ok());
}

}  // namespace
}  // namespace jcn
