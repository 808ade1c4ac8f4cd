#include "address.h"

#include <gtest/gtest.h>

#include <array>

namespace {

using cgi::Address;

std::string media(std::string_view path) {
  static constexpr std::array<std::string_view, 2> extensions = {"webm", "mp4"};
  const auto address = Address::media(path, extensions);
  return address ? address->text() : "none";
}

TEST(Address, PagesHaveTheirParametersEncoded) {
  EXPECT_EQ(Address::page("/watch", {{"v", "a b/ä&c=%+?#'\""}}).text(),
            "/watch?v=a%20b%2F%C3%A4%26c%3D%25%2B%3F%23%27%22");
  EXPECT_EQ(Address::page("/", {{"q", ""}, {"tag", "x"}, {"tag", "y"}}).text(), "/?tag=x&tag=y");
  EXPECT_EQ(Address::page("/", {{"q", ""}}).text(), "/");
  EXPECT_EQ(Address::page("/x").at("https://videos.example").text(), "https://videos.example/x");
}

TEST(Address, TheSamePageStaysThis) {
  EXPECT_EQ(Address::same_page("").text(), "?");
  EXPECT_EQ(Address::same_page("v=a%20b&x=%zz").text(), "?v=a%20b&x=%zz");
  EXPECT_EQ(Address::same_page("\"><script>\n\xff").text(), "?%22%3E%3Cscript%3E%0A%FF");
}

TEST(Address, MediaFilesStayBeneathTheRoot) {
  EXPECT_EQ(media("a.webm"), "/media/a.webm");
  EXPECT_EQ(media("d/ä b?#.WebM"), "/media/d/%C3%A4%20b%3F%23.WebM");
  EXPECT_EQ(media("x.php.mp4"), "/media/x.php.mp4");
  EXPECT_EQ(media("a%2f..%2fb.webm"), "/media/a%252f..%252fb.webm");
  for (const char* path : {"",
                           ".",
                           "..",
                           "/a.webm",
                           "a/../b.webm",
                           "../a.webm",
                           "a/./b.webm",
                           "a//b.webm",
                           "a.webm/",
                           ".a.webm",
                           "a/.b.webm",
                           "a\\b.webm",
                           "a\n.webm",
                           "a\x7f.webm",
                           "a.html",
                           "a",
                           "webm",
                           ".webm",
                           "a.webm.html",
                           "a.webm ",
                           "http://x/a.webm",
                           "//x/a.webm",
                           "a.w\u212abm"})
    EXPECT_EQ(media(path), "none") << path;
  EXPECT_EQ(media(std::string("a\0.webm", 7)), "none");
  EXPECT_EQ(media(std::string(995, 'x') + ".webm").size(), 7 + 1000u);
  EXPECT_EQ(media(std::string(996, 'x') + ".webm"), "none");
}

TEST(Address, ElsewhereIsHttpOnly) {
  EXPECT_TRUE(Address::elsewhere("http://x"));
  EXPECT_TRUE(Address::elsewhere("https://x/ä?a=b&c#d"));
  for (const char* text : {"javascript:alert(1)", "data:text/html,x", "//x", "/x", "x", "",
                           "HTTP://x", " http://x", "http://x y", "http://x\"y", "http://x<y",
                           "http://x\ny", "http://x'", "http://x`", "http://x\x7f"})
    EXPECT_FALSE(Address::elsewhere(text)) << text;
}

}  // namespace
