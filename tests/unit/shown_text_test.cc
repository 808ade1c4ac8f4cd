#include "shown_text.h"

#include <gtest/gtest.h>

namespace {

using namespace cgi;

TEST(ShownText, PlainTextHasNoControlCharactersAndALimit) {
  EXPECT_EQ(plain("a\tb\nc\rd", 10), "a\tb\nc\rd");
  EXPECT_EQ(plain(std::string("a\0b\x1b\x7f\u0085\u009fz", 10), 10), "abz");
  EXPECT_EQ(plain("äöü", 3), "äöü");
  EXPECT_EQ(plain("äöüß", 3), "äö…");
  // What goes does not come back for what was cut off.
  EXPECT_EQ(plain("a\x01\x02 bcdef", 4), "a b");
  EXPECT_EQ(plain_value("\"a\\u0000\\\"\"", 9), "a\"");
  for (const char* other : {"5", "null", "true", "[\"a\"]", "{\"a\":\"b\"}"})
    EXPECT_EQ(plain_value(other, 9), "");
  EXPECT_EQ(plain_value(std::nullopt, 9), "");
}

TEST(ShownText, Numbers) {
  EXPECT_EQ(number("73.24"), 73.24);
  EXPECT_EQ(number("-1e2"), -100);
  EXPECT_EQ(number("1e-400"), 0);
  for (const char* none : {"1e15", "-1e15", "1e308", "true", "\"5\"", "null", "[]"})
    EXPECT_EQ(number(none), std::nullopt) << none;
  EXPECT_EQ(number(std::string(400, '9')), std::nullopt);
  EXPECT_EQ(pixels("1920"), 1920);
  for (const char* none : {"0", "-1", "-0", "100000", "5.0", "5e1", "5E1", "true", "\"5\""})
    EXPECT_EQ(pixels(none), std::nullopt) << none;
}

TEST(ShownText, LengthsCountsAndDays) {
  EXPECT_EQ(length(65.9), "1:05");
  EXPECT_EQ(length(3665), "1:01:05");
  EXPECT_EQ(length(0), "0:00");
  EXPECT_EQ(spoken_length(3665), "PT1H1M5S");
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  for (const char* moment : {"2026-03-01T12:00", "2026-03-01T12:00Z", "2026-03-01T12:00:59.123Z",
                             "2026-03-01T12:00:00+01:00", "2026-03-01T12:00:00,5-0130",
                             "2026-03-01T12:00+01", "2026-03-01T12:00:00+01:00:30"})
    EXPECT_EQ(day(moment), "1 March 2026") << moment;
  EXPECT_EQ(day("2024-02-29T00:00"), "29 February 2024");
  for (const char* none :
       {"", "2026-02-29T12:00", "2026-13-01T12:00", "2026-03-01T24:00", "2026-03-01T12:60",
        "2026-03-01T12:00x", "2026-03-01T12:00:7", "2026-03-01T12:00:00.", "0000-01-01T00:00",
        "2026-03-01 12:00", "2026-03-01T12:00Z ", "1900-02-29T00:00"})
    EXPECT_EQ(day(none), none);
}

TEST(ShownText, SpacesAndCuts) {
  EXPECT_EQ(stripped(" \t\u00a0\u3000a b\u2028\r\n\x1f"), "a b");
  EXPECT_EQ(stripped("\u3000 "), "");
  EXPECT_EQ(stripped("é"), "é");
  EXPECT_EQ(truncated("abcde", 5), "abcde");
  EXPECT_EQ(truncated("ääääää", 5), "ääää…");
  EXPECT_EQ(first_characters("äbc", 2), "äb");
}

std::string links(std::string_view text) {
  return linked(text).text();
}
std::string anchor(const std::string& address) {
  return "<a href=\"" + address + "\" rel=\"nofollow ugc noopener\">" + address + "</a>";
}

TEST(ShownText, OnlyHttpAddressesBecomeLinks) {
  EXPECT_EQ(links("See https://a.example/x?y=1&z, or http://b."),
            "See " + anchor("https://a.example/x?y=1&amp;z") + ", or " + anchor("http://b") + ".");
  EXPECT_EQ(links("(https://e/a_(b))."), "(" + anchor("https://e/a_(b") + ")).");
  EXPECT_EQ(links("javascript:alert(1) http:x https:/x http:// ftp://x"),
            "javascript:alert(1) http:x https:/x http:// ftp://x");
  EXPECT_EQ(links("<b>http://x/<i>\"'"), "&lt;b&gt;" + anchor("http://x/") + "&lt;i&gt;&#34;&#39;");
  EXPECT_EQ(links("http://x\u00a0y"), anchor("http://x") + "\u00a0y");
  EXPECT_EQ(links("httphttp://http://x"), "http" + anchor("http://http://x"));
  EXPECT_EQ(links("http://..."), anchor("http://") + "...");
  // What is too long to be an address of people goes on as text.
  const std::string path(3000, 'x');
  EXPECT_EQ(links("http://" + path), anchor("http://" + path.substr(0, 2000)) + path.substr(2000));
}

}  // namespace
