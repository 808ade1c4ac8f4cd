#include <gtest/gtest.h>

#include "corpora.h"
#include "jcn/canonical.h"
#include "jcn/check.h"

namespace jcn {
namespace {

// RFC 7396, appendix A, whole.
TEST(MergePatch, Rfc7396AppendixA) {
  const struct {
    const char *original, *patch, *result;
  } cases[] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", R"(null)", R"(null)"},
      {R"({"a":"foo"})", R"("bar")", R"("bar")"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const auto& one : cases) EXPECT_EQ(merge_patch(one.original, one.patch), one.result);
}

TEST(MergePatch, KeepsOrderAndNumberTexts) {
  EXPECT_EQ(merge_patch(R"({"z":1.10,"a":64176294690080990,"m":{"y":1,"x":2}})",
                        R"({"n":1e0,"m":{"x":3.0,"w":4},"z":-0})"),
            R"({"z":-0,"a":64176294690080990,"m":{"y":1,"x":3.0,"w":4},"n":1e0})");
}

TEST(MergePatch, NamesAreComparedUnescaped) {
  EXPECT_EQ(merge_patch(R"({"a\"\n":1})", R"({"a\"\n":null,"b":2})"), R"({"b":2})");
}

TEST(MergePatch, NullsInArraysStay) {
  EXPECT_EQ(merge_patch(R"({"a":1})", R"({"a":[null,{"b":null}]})"), R"({"a":[null,{"b":null}]})");
}

TEST(MergePatch, IgnoringNulls) {
  EXPECT_EQ(
      merge_patch(R"({"a":1,"b":{"c":2}})", R"({"a":null,"b":{"c":null,"d":3},"e":null})", true),
      R"({"a":1,"b":{"c":2,"d":3}})");
  EXPECT_EQ(merge_patch(R"({"a":1})", R"({"a":{"b":null}})", true), R"({"a":{}})");
  EXPECT_EQ(merge_patch(R"({"a":null})", R"({"a":null})", true), R"({"a":null})");
  EXPECT_EQ(merge_patch(R"({"a":1})", "null", true), R"({"a":1})");
}

TEST(MergePatch, ManyMembers) {
  std::string target = "{", patch = "{", want = "{";
  for (int i = 0; i < 3000; ++i) {
    const std::string name = "\"" + std::to_string(i) + "\":";
    const std::string comma = i ? "," : "";
    target += comma + name + "1";
    patch += comma + name + (i % 3 == 0 ? "null" : "2");
    if (i % 3 != 0) want += (want.size() > 1 ? "," : "") + name + "2";
  }
  EXPECT_EQ(merge_patch(target + "}", patch + "}"), want + "}");
}

TEST(MergePatch, ConformanceCases) {
  JCN_CORPUS_OR_SKIP(folder, "json-conformance");
  const auto checked = check_json(file_bytes(folder / "mergepatch" / "RFC.json"), Limits{});
  ASSERT_TRUE(std::holds_alternative<std::string>(checked));
  std::size_t count = 0;
  for (JsonCursor cursor(std::get<std::string>(checked)); cursor.next(); ++count) {
    EXPECT_EQ(merge_patch(*json_member(cursor.value(), "original"),
                          *json_member(cursor.value(), "patch")),
              *json_member(cursor.value(), "result"));
  }
  EXPECT_EQ(count, 15U);
}

}  // namespace
}  // namespace jcn
