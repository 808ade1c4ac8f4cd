#include "schema_pattern.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

TEST(SchemaPattern, ReadsEcma262) {
  const struct {
    const char* pattern;
    const char* text;
    bool found;
  } cases[] = {
      {"^\\d{2}-\\w+$", "12-ab", true},
      {"^a.c$", "a\nc", false},
      {"^a.c$",
       "a\xE2\x80\xA8"
       "c",
       false},  // U+2028 ends a line
      {"^[^]$", "\n", true},
      {"[]", "a", false},
      {"^[[]$", "[", true},
      {"^[[:a]+$", ":[a", true},
      {"\\u00e4", "\xC3\xA4", true},
      {"^\\uD83D\\uDE00$", "\xF0\x9F\x98\x80", true},
      {"^\\u{1F600}$", "\xF0\x9F\x98\x80", true},
      {"^.$", "\xF0\x9F\x98\x80", true},
      {"^\\s$", "\xC2\xA0", true},
      {"^[\\s]$", "\xEF\xBB\xBF", true},
      {"^\\S$", "\xC2\xA0", false},
      {"^\\cA\\x41\\0$", nullptr, true},
      {"^\\/\\-\\_\\.$", "/-_.", true},
      {"^[\\b]$", "\b", true},
      {"\\bword\\b", "a word here", true},
      {"^(?<year>\\d{4})$", "2026", true},
      {"^\\p{L}+$", "\xC3\xA4\xC3\xB6", true},
      {"^{a}$", "{a}", true},
      {"^(?:a|b)*?c$", "abac", true},
  };
  for (const auto& c : cases) {
    const auto pattern = SchemaPattern::compile(c.pattern);
    ASSERT_TRUE(pattern) << c.pattern << ": " << pattern.error().message;
    const std::string text = c.text ? c.text : std::string("\1A\0", 3);
    EXPECT_EQ(pattern->found_in(text), c.found) << c.pattern << " in " << text;
  }
}

TEST(SchemaPattern, RefusesWhatItCannotMatch) {
  for (const char* pattern : {"(?=a)",   "(?!a)",
                              "(?<=a)",  "(?<!a)",
                              "(a)\\1",  "\\k<a>",
                              "(?i)a",   "\\Z",
                              "\\Qa\\E", "(",
                              "a)",      "[a",
                              "[b-a]",   "\\",
                              "\\u12",   "\\xg1",
                              "\\uD83D", "\\c1",
                              "a{1001}", "a**",
                              "\\07",    "((((a{999}){999}){999}){999})"})
    EXPECT_FALSE(SchemaPattern::compile(pattern)) << pattern;
}

}  // namespace
}  // namespace jcn
