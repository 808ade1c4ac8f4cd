#include "jcn/canonical.h"

#include <gtest/gtest.h>

#include "corpora.h"
#include "jcn/check.h"

namespace jcn {
namespace {

using namespace std::string_literals;

std::vector<std::pair<std::string, std::string>> walk(std::string_view container) {
  std::vector<std::pair<std::string, std::string>> out;
  for (JsonCursor cursor(container); cursor.next();)
    out.emplace_back(cursor.name(), cursor.value());
  return out;
}

TEST(JsonCursor, GoesThroughMembersAndElements) {
  using List = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(walk(R"({"a":1,"b\"}":{"c":[1,"]"]},"":"x,\\"})"),
            (List{{R"("a")", "1"}, {R"("b\"}")", R"({"c":[1,"]"]})"}, {R"("")", R"("x,\\")"}}));
  EXPECT_EQ(walk(R"([1,[2,3],{"a":4},null,"\\\""])"),
            (List{{"", "1"}, {"", "[2,3]"}, {"", R"({"a":4})"}, {"", "null"}, {"", R"("\\\"")"}}));
  EXPECT_TRUE(walk("{}").empty());
  EXPECT_TRUE(walk("[]").empty());
  EXPECT_TRUE(walk("17").empty());
  EXPECT_TRUE(walk("\"[1]\"").empty());
}

TEST(JsonType, OfEachValue) {
  EXPECT_EQ(json_type("null"), JsonType::null);
  EXPECT_EQ(json_type("false"), JsonType::boolean);
  EXPECT_EQ(json_type("-1"), JsonType::number);
  EXPECT_EQ(json_type("\"\""), JsonType::string);
  EXPECT_EQ(json_type("[]"), JsonType::array);
  EXPECT_EQ(json_type("{}"), JsonType::object);
}

TEST(JsonMember, ComparesUnescapedNames) {
  const std::string_view object = R"({"a\"b":1,"é":2,"":3,"\n":4})";
  EXPECT_EQ(json_member(object, "a\"b"), "1");
  EXPECT_EQ(json_member(object, "é"), "2");
  EXPECT_EQ(json_member(object, ""), "3");
  EXPECT_EQ(json_member(object, "\n"), "4");
  EXPECT_FALSE(json_member(object, "a"));
  EXPECT_FALSE(json_member("[1]", "0"));
}

// The document and pointers of RFC 6901 §5, and what is no pointer.
TEST(JsonAt, Rfc6901) {
  const std::string_view document =
      R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8})";
  EXPECT_EQ(json_at(document, ""), document);
  EXPECT_EQ(json_at(document, "/foo"), R"(["bar","baz"])");
  EXPECT_EQ(json_at(document, "/foo/0"), R"("bar")");
  EXPECT_EQ(json_at(document, "/"), "0");
  EXPECT_EQ(json_at(document, "/a~1b"), "1");
  EXPECT_EQ(json_at(document, "/c%d"), "2");
  EXPECT_EQ(json_at(document, "/e^f"), "3");
  EXPECT_EQ(json_at(document, "/g|h"), "4");
  EXPECT_EQ(json_at(document, "/i\\j"), "5");
  EXPECT_EQ(json_at(document, "/k\"l"), "6");
  EXPECT_EQ(json_at(document, "/ "), "7");
  EXPECT_EQ(json_at(document, "/m~0n"), "8");
  for (const char* pointer : {"foo", "/foo/2", "/foo/-", "/foo/01", "/foo/-1", "/foo/0x", "/foo/",
                              "/foo/0/a", "/m~n", "/m~2", "/~", "/foo/99999999999999999999"}) {
    EXPECT_FALSE(json_at(document, pointer)) << pointer;
  }
}

TEST(JsonQuote, MinimalEscapesAndBack) {
  EXPECT_EQ(json_quote("a\"\\/\b\f\n\r\t\x01\x1F\x7F" + "\0é"s), R"("a\"\\/\b\f\n\r\t\u0001\u001f)"
                                                                 "\x7F"
                                                                 R"(\u0000é")");
  std::string every;
  for (int c = 0; c < 128; ++c) every += static_cast<char>(c);
  EXPECT_EQ(json_unquote(json_quote(every)), every);
  EXPECT_EQ(json_unquote(R"("\/")"), "/");
}

TEST(JsonQuoteBytes, KeepsUtf8AndShowsTheRest) {
  EXPECT_EQ(json_quote_bytes("a/é\"\\"), R"("a/é\"\\")");
  EXPECT_EQ(json_quote_bytes("a\xFF\xC3/é\xE2\x82"), R"("a\\xff\\xc3/é\\xe2\\x82")");
  EXPECT_EQ(json_quote_bytes("\n\xC0\x80"), R"("\n\\xc0\\x80")");
}

TEST(CompareNumbers, ExactDecimals) {
  const std::vector<std::vector<std::string>> ascending = {
      {"-1e400", "-10e399"},
      {"-2", "-2.0", "-0.2e1"},
      {"-1e-99999999999999999999999"},
      {"0", "-0", "0.000", "0e5", "-0.0e99999999999999999999"},
      {"1e-99999999999999999999999"},
      {"1e-99999999999999999999998", "10e-99999999999999999999999", "0.1e-99999999999999999999997"},
      {"1e-1000000000000000000"},
      {"1e-999999999999999999", "10e-1000000000000000000"},
      {"0.1", "1e-1", "0.10"},
      {"0.30000000000000000000000000000000000001"},
      {"1", "1.0", "1e0", "0.001e+3", "1000E-3", "1e00"},
      {"9007199254740992"},
      {"9007199254740993"},
      {"64176294690080990"},
      {"64176294690080991", "64176294690080991.000"},
      {"1e99999999999"},
      {"1.5e99999999999"},
      {"99e99999999999999998", "9.9e99999999999999999"},
      {"1e100000000000000000000", "0.01e100000000000000000002", "10e99999999999999999999"},
  };
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      for (const std::string& a : ascending[i]) {
        for (const std::string& b : ascending[j]) {
          EXPECT_EQ(compare_numbers(a, b), (i > j) - (i < j)) << a << " and " << b;
        }
      }
    }
  }
}

TEST(CompareNumbers, LongTexts) {
  const std::string zeros(100'000, '0');
  EXPECT_EQ(compare_numbers("1" + zeros, "1e100000"), 0);
  EXPECT_EQ(compare_numbers("0." + zeros + "1", "1e-100001"), 0);
  EXPECT_EQ(compare_numbers("1" + zeros + ".5", "1e100000"), 1);
}

TEST(CompareValues, TotalOrder) {
  const std::vector<std::string> ascending = {"null",
                                              "false",
                                              "true",
                                              "-1",
                                              "0",
                                              "1.5",
                                              R"("")",
                                              R"("\u0001")",
                                              R"("\n")",
                                              R"(" ")",
                                              R"("A")",
                                              R"("\\")",
                                              R"("a")",
                                              R"("aa")",
                                              R"("é")",
                                              "[]",
                                              "[null]",
                                              "[1]",
                                              "[1,0]",
                                              "[2]",
                                              "{}",
                                              R"({"a":1})",
                                              R"({"a":1,"b":0})",
                                              R"({"a":2})",
                                              R"({"b":0})"};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      EXPECT_EQ(compare_values(ascending[i], ascending[j]), (i > j) - (i < j))
          << ascending[i] << " and " << ascending[j];
    }
  }
  EXPECT_EQ(compare_values("[1,{\"a\":1.0,\"b\":2}]", "[1.0,{\"b\":2,\"a\":1}]"), 0);
}

TEST(Strings, NaughtyOnesSurviveQuotingAndChecking) {
  JCN_CORPUS_OR_SKIP(folder, "json-conformance");
  const auto checked = check_json(file_bytes(folder / "strings" / "blns.json"), Limits{});
  ASSERT_TRUE(std::holds_alternative<std::string>(checked)) << std::get<Reject>(checked).message;
  std::size_t count = 0;
  for (JsonCursor cursor(std::get<std::string>(checked)); cursor.next(); ++count) {
    ASSERT_EQ(json_type(cursor.value()), JsonType::string);
    const std::string text = json_unquote(cursor.value());
    EXPECT_EQ(json_quote(text), cursor.value());
    EXPECT_EQ(json_quote_bytes(text), cursor.value());
    const std::string object = "{" + json_quote(text) + ":" + json_quote(text) + "}";
    EXPECT_EQ(json_member(object, text), cursor.value());
    EXPECT_EQ(std::get<std::string>(check_json(object, Limits{})), object);
  }
  EXPECT_GT(count, 500U);
}

}  // namespace
}  // namespace jcn
