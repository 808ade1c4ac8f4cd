#include <gtest/gtest.h>

#include "jcn/check.h"

namespace jcn {
namespace {

using namespace std::string_literals;

// The id, or the code of the reject in angle brackets.
std::string id_of(const std::variant<RecordKey, Reject>& outcome) {
  if (const auto* key = std::get_if<RecordKey>(&outcome)) return key->id;
  return "<" + std::string(code_name(std::get<Reject>(outcome).code)) + ">";
}

std::string by_pointer(const std::string& value) {
  Rule rule;
  rule.id = {{IdSource::Kind::pointer, "/id"}, {IdSource::Kind::path, {}}};
  return id_of(identify(rule, false, {"r", "x/file.json"}, "{\"id\":" + value + "}"));
}

std::string by_path(const std::string& path, bool prefix = false) {
  Rule rule;
  rule.id = {{IdSource::Kind::path, {}}};
  return id_of(identify(rule, prefix, {"root", path}, "{}"));
}

std::string by_stem(const std::string& path) {
  Rule rule;
  rule.id = {{IdSource::Kind::stem, {}}};
  return id_of(identify(rule, false, {"root", path}, "{}"));
}

TEST(Identify, PointerYieldsStringsAndIntegers) {
  EXPECT_EQ(by_pointer("\"abc\""), "abc");
  EXPECT_EQ(by_pointer("\"a/b \\\"c\\\" é\""), "a/b \"c\" é");
  EXPECT_EQ(by_pointer("5"), "5");
  EXPECT_EQ(by_pointer("\"5\""), "5");
  EXPECT_EQ(by_pointer("64176294690080990"), "64176294690080990");
  EXPECT_EQ(by_pointer("-7"), "-7");
  EXPECT_EQ(by_pointer("0"), "0");
  EXPECT_EQ(by_pointer("-0"), "0");
}

TEST(Identify, OtherTypesGoOnToTheNextSource) {
  for (const char* value : {"5.0", "1e3", "1E3", "-0.0", "\"\"", "null", "true", "{}", "[\"a\"]"}) {
    EXPECT_EQ(by_pointer(value), "x/file") << value;
  }
}

TEST(Identify, MalformedIdsAreRefused) {
  for (const std::string& value :
       {"\".\""s, "\"..\""s, "\"a\\nb\""s, "\"\\u0000\""s, "\"\x7F\""s, "\"\xC2\x85\""s,
        "\"" + std::string(401, 'a') + "\"", "1" + std::string(400, '0')}) {
    EXPECT_EQ(by_pointer(value), "<invalid_id>") << value;
  }
  EXPECT_EQ(by_pointer("\"" + std::string(400, 'a') + "\""), std::string(400, 'a'));
  EXPECT_EQ(by_pointer("\"...\""), "...");
  const auto outcome = identify(Rule{}, false, {"r", "a.json"}, R"({"id":".."})");
  EXPECT_EQ(std::get<Reject>(outcome).pointer, "/id");
}

TEST(Identify, NoSourceYields) {
  Rule rule;
  rule.id = {{IdSource::Kind::pointer, "/id"}, {IdSource::Kind::pointer, "/meta/key"}};
  const auto outcome = identify(rule, false, {"r", "a.json"}, R"({"id":null})");
  ASSERT_TRUE(std::holds_alternative<Reject>(outcome));
  EXPECT_EQ(std::get<Reject>(outcome).code, Code::no_id);
  EXPECT_NE(std::get<Reject>(outcome).message.find("/id, /meta/key"), std::string::npos);
  EXPECT_EQ(id_of(identify(rule, false, {"r", "a.json"}, R"({"meta":{"key":"k"}})")), "k");
}

TEST(Identify, KindIsTheRules) {
  Rule rule;
  rule.kind = "talks";
  EXPECT_EQ(std::get<RecordKey>(identify(rule, false, {"r", "a.json"}, "{}")),
            (RecordKey{"talks", "a"}));
}

TEST(Identify, Stem) {
  EXPECT_EQ(by_stem("x/y/abc.json"), "abc");
  EXPECT_EQ(by_stem("x/abc.views.json"), "abc");
  EXPECT_EQ(by_stem("abc.info.views.json"), "abc.info");
  EXPECT_EQ(by_stem("abc.v2_x-y.json"), "abc");
  EXPECT_EQ(by_stem("talk-1.5.json"), "talk-1.5");
  EXPECT_EQ(by_stem("abc.no word.json"), "abc.no word");
  EXPECT_EQ(by_stem("abc..json"), "abc.");
  EXPECT_EQ(by_stem(".views.json"), ".views");
  EXPECT_EQ(by_stem("abc"), "abc");
  EXPECT_EQ(by_stem("x/.json"), "<no_id>");
  EXPECT_EQ(by_stem("..json"), "%2E");
}

TEST(Identify, Path) {
  EXPECT_EQ(by_path("a.json"), "a");
  EXPECT_EQ(by_path("x/é/abc.views.json"), "x/é/abc.views");
  EXPECT_EQ(by_path("a.JSON"), "a.JSON");
  EXPECT_EQ(by_path("x/a.json", true), "root/x/a");
  EXPECT_EQ(by_path(".json"), "<no_id>");
  EXPECT_EQ(by_path("...json"), "%2E%2E");
  EXPECT_EQ(by_path("...json", true), "root/..");
}

TEST(Identify, PathBytesThatAnIdCannotHold) {
  EXPECT_EQ(by_path("a\xFF\xC3z.json"), "a%FF%C3z");
  EXPECT_EQ(by_path("a\nb\x7F.json"), "a%0Ab%7F");
  EXPECT_EQ(by_path("a\xC2\x85.json"), "a%C2%85");
}

TEST(Identify, LongPaths) {
  EXPECT_EQ(by_path(std::string(400, 'a') + ".json"), std::string(400, 'a'));
  const std::string path(401, 'a');
  EXPECT_EQ(by_path(path + ".json"), std::string(360, 'a') + "~" + hash128(path).hex());
  // The 360th byte lies within a character: the cut is before it.
  std::string accents = "a";
  for (int i = 0; i < 250; ++i) accents += "é";
  const std::string id = by_path(accents + ".json");
  EXPECT_EQ(id, accents.substr(0, 359) + "~" + hash128(accents).hex());
  EXPECT_TRUE(valid_id(id));
  EXPECT_NE(by_path(accents + "x.json"), by_path(accents + "y.json"));
}

TEST(ValidId, Limits) {
  EXPECT_TRUE(valid_id("a"));
  EXPECT_TRUE(valid_id("a/../b %"));
  EXPECT_TRUE(valid_id("\xF0\x9F\x98\x80"));
  for (const std::string& id :
       {""s, "."s, ".."s, "\0"s, "a\x1F"s, "\xFF"s, "\xED\xA0\x80"s, std::string(401, 'a')}) {
    EXPECT_FALSE(valid_id(id)) << id;
  }
}

TEST(ValidKind, Limits) {
  for (const char* kind : {"videos", "a", "a-b_c9"}) EXPECT_TRUE(valid_kind(kind)) << kind;
  for (const std::string& kind :
       {""s, "9a"s, "_a"s, "A"s, "aB"s, "a.b"s, "é"s, std::string(65, 'a')}) {
    EXPECT_FALSE(valid_kind(kind)) << kind;
  }
}

}  // namespace
}  // namespace jcn
