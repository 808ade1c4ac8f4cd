#include "jcn/rules.h"

#include <gtest/gtest.h>

#include <chrono>

#include "jcn/schema.h"

namespace jcn {
namespace {

TEST(Glob, DoubleStarMatchesAnyNumberOfFolders) {
  EXPECT_TRUE(glob_match("**/*.json", "a.json"));
  EXPECT_TRUE(glob_match("**/*.json", "x/y/a.json"));
  EXPECT_FALSE(glob_match("**/*.json", "x/y/a.txt"));
  EXPECT_TRUE(glob_match("videos/**/a.json", "videos/a.json"));
  EXPECT_TRUE(glob_match("videos/**/a.json", "videos/x/y/a.json"));
  EXPECT_FALSE(glob_match("videos/**/a.json", "video/a.json"));
  EXPECT_TRUE(glob_match("**/b/**/c", "a/b/c/b/x/c"));
  EXPECT_FALSE(glob_match("**/b/**/c", "a/c/x"));
  EXPECT_TRUE(glob_match("a/**", "a/b/c"));
  EXPECT_FALSE(glob_match("a/**", "a"));
}

TEST(Glob, StarStaysWithinAName) {
  EXPECT_TRUE(glob_match("*.json", "a.json"));
  EXPECT_FALSE(glob_match("*.json", "x/a.json"));
  EXPECT_TRUE(glob_match("*/*.json", "x/a.json"));
  EXPECT_TRUE(glob_match("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(glob_match("a*b*c", "aXbYbZ"));
  EXPECT_TRUE(glob_match("*", ""));
}

TEST(Glob, QuestionMarkIsOneCharacter) {
  EXPECT_TRUE(glob_match("?.json", "\xC3\xA9.json"));
  EXPECT_TRUE(glob_match("?.json", "\xFF.json"));
  EXPECT_FALSE(glob_match("?.json", ".json"));
  EXPECT_FALSE(glob_match("a?b", "a/b"));
}

TEST(Glob, Classes) {
  EXPECT_TRUE(glob_match("[a-c]x", "bx"));
  EXPECT_FALSE(glob_match("[a-c]x", "dx"));
  EXPECT_TRUE(glob_match("[!a-c]x", "dx"));
  EXPECT_FALSE(glob_match("[^a-c]x", "ax"));
  EXPECT_TRUE(glob_match("[]]x", "]x"));
  EXPECT_TRUE(glob_match("[a-]x", "-x"));
  EXPECT_TRUE(glob_match("[\xC3\xA0-\xC3\xBF]x", "\xC3\xA9x"));
  EXPECT_TRUE(glob_match("[a", "[a"));
  EXPECT_TRUE(glob_match("\\*", "*"));
  EXPECT_FALSE(glob_match("\\*", "a"));
}

TEST(Glob, DoesNotBlowUp) {
  std::string pattern, path;
  for (int i = 0; i < 40; ++i) {
    pattern += "**/a*a*a*a*/";
    path += "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab/";
  }
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(glob_match(pattern + "x", path + path + path + "y"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST(Rules, DefaultIgnoreList) {
  const Rules rules;
  for (const char* name : {".a.json", "a.json~", "a.json.part", "a.partial", "a.tmp",
                           "a.crdownload", "a.filepart", ".a.json.swp", "#a.json#"}) {
    EXPECT_TRUE(rules.ignored_component(name)) << name;
    EXPECT_TRUE(rules.ignored(std::string("x/") + name)) << name;
  }
  EXPECT_TRUE(rules.ignored(".git/a.json"));
  EXPECT_TRUE(rules.ignored("x/.git/y/a.json"));
  for (const char* name : {"a.json", "part", "x/a.tmp.json", "#a.json", "x.y/a.json"}) {
    EXPECT_FALSE(rules.ignored(name)) << name;
  }
}

TEST(Rules, FirstMatchingRuleCounts) {
  Rules rules;
  rules.rules.resize(3);
  rules.rules[0].root = "other";
  rules.rules[1].match = "talks/*.json";
  rules.rules[1].kind = "talks";
  EXPECT_EQ(rules.find({"main", "talks/a.json"}), &rules.rules[1]);
  EXPECT_EQ(rules.find({"other", "talks/a.json"}), &rules.rules[0]);
  EXPECT_EQ(rules.find({"main", "talks/x/a.json"}), &rules.rules[2]);
  EXPECT_EQ(rules.find({"main", "a.txt"}), nullptr);
}

TEST(Rules, AnchorIsAMatterOfTheKind) {
  Rules rules;
  rules.rules.resize(2);
  rules.rules[1].anchor = true;
  EXPECT_TRUE(rules.wants_anchor("videos"));
  EXPECT_FALSE(rules.wants_anchor("talks"));
}

TEST(RulesJson, RoundTripOfDefaults) {
  const Rules rules;
  const auto back = Rules::from_json(rules.to_json());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, rules);
  EXPECT_EQ(back->to_json(), rules.to_json());
}

TEST(RulesJson, RoundTripOfEverything) {
  Rules rules;
  Rule rule;
  rule.kind = "talks";
  rule.root = "archive \"1\"\n";
  rule.match = "**/\xC3\xA9[a-z]\\*.json";
  rule.id = {{IdSource::Kind::stem, {}},
             {IdSource::Kind::pointer, "/a~1b/0"},
             {IdSource::Kind::pointer, ""},
             {IdSource::Kind::path, {}}};
  rule.rank = -2147483648;
  rule.order_by = "/part";
  rule.anchor = rule.ignore_nulls = true;
  rule.merge = {{MergeStrategy::Kind::union_of, "/tags"},
                {MergeStrategy::Kind::min, "/from"},
                {MergeStrategy::Kind::max, "/to"}};
  rules.rules = {rule, Rule{}};
  rules.ignore = {};
  rules.limits = {.max_bytes = 18446744073709551615ULL, .max_depth = 3, .max_members = 0};
  rules.prefix_path_ids = true;
  rules.search_weights["talks"] = {{"/title", 2.5}, {"/a~1b/\n", 0}, {"/x", 1e-300}};
  rules.search_weights["videos"] = {};
  rules.search_scopes["talks"] = {{"/title", "/a~1b/\n"}, {"/title/x"}};
  rules.search_scopes["videos"] = {{}, {"/url"}};
  std::string deep = "true";
  for (int i = 0; i < 63; ++i) deep = "{\"not\":" + deep + "}";
  for (const std::string& text : {std::string("false"), deep}) {
    rules.schemas["k" + std::to_string(text.size())] = {
        std::get<std::shared_ptr<const Schema>>(Schema::compile(text))};
  }
  const auto back = Rules::from_json(rules.to_json());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, rules);
  rules.rules.clear();
  EXPECT_EQ(*Rules::from_json(rules.to_json()), rules);
}

TEST(RulesJson, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"",
                           "[]",
                           "{\"rules\":1}",
                           "{\"rule\":[]}",
                           "{\"rules\":[{\"rank\":1.5}]}",
                           "{\"rules\":[{\"rank\":2147483648}]}",
                           "{\"rules\":[{\"id\":[\"name\"]}]}",
                           "{\"rules\":[{\"merge\":[[\"sum\",\"/a\"]]}]}",
                           "{\"limits\":{\"max_bytes\":-1}}",
                           "{\"prefix_path_ids\":1}",
                           "{\"schemas\":[]}",
                           "{\"schemas\":{\"a\":{\"type\":1}}}",
                           "{\"search_weights\":{\"a\":1}}",
                           "{\"search_weights\":{\"a\":{\"/x\":-1}}}",
                           "{\"search_weights\":{\"a\":{\"/x\":\"1\"}}}",
                           "{\"search_scopes\":{\"a\":[]}}",
                           "{\"search_scopes\":{\"a\":{\"fields\":1}}}",
                           "{\"search_scopes\":{\"a\":{\"only\":[]}}}",
                           "{\"tracked\":[]}",
                           "{\"tracked\":{\"a\":1}}"}) {
    const auto rules = Rules::from_json(text);
    ASSERT_FALSE(rules) << text;
    EXPECT_EQ(rules.error().code, Code::bad_configuration) << text;
  }
}

TEST(RulesJson, TrackedPointersComeBack) {
  Rules rules;
  EXPECT_EQ(rules.tracked_pointer("videos"), "/transcode/state");
  rules.tracked["talks"] = "/review/state";
  const auto again = Rules::from_json(rules.to_json());
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, rules);
  EXPECT_EQ(again->tracked_pointer("talks"), "/review/state");
  EXPECT_EQ(again->tracked_pointer("videos"), "/transcode/state");
}

// The verdicts in an index hold for as long as this text stays: it is the one of jcn 0.1.0,
// whatever later versions can be told besides.
TEST(Rules, StandardOnesAreTheSameTextForEver) {
  EXPECT_EQ(
      Rules{}.to_json(),
      R"({"rules":[{"kind":"videos","root":"","match":"**/*.json","id":["pointer:/id","path"],)"
      R"("rank":0,"order_by":"","anchor":false,"ignore_nulls":false,"merge":[]}],"ignore":[".*",)"
      R"("*~","*.part","*.partial","*.tmp","*.crdownload","*.filepart","*.swp","#*#"],"limits":)"
      R"({"max_bytes":1048576,"max_depth":64,"max_members":10000},"prefix_path_ids":false})");
}

}  // namespace
}  // namespace jcn
