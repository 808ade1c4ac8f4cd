#include "uri.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

// RFC 3986 §5.4: its own examples.
TEST(Uri, ResolvesAsRfc3986Says) {
  const struct {
    const char* reference;
    const char* target;
  } cases[] = {
      {"g:h", "g:h"},
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"", "http://a/b/c/d;p?q"},
      {";x", "http://a/b/c/;x"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {".g", "http://a/b/c/.g"},
      {"./../g", "http://a/b/g"},
      {"./g/.", "http://a/b/c/g/"},
      {"g/./h", "http://a/b/c/g/h"},
      {"g/../h", "http://a/b/c/h"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(resolve_uri("http://a/b/c/d;p?q", c.reference), c.target) << c.reference;
  EXPECT_EQ(resolve_uri("http://a", "b"), "http://a/b");
  EXPECT_EQ(resolve_uri("", "b/c"), "b/c");
}

TEST(Uri, TellsUrisFromOtherText) {
  for (const char* text :
       {"http://a/b?c=d#e", "urn:x:y", "mailto:a@b", "http://[::1]:80/", "a:", "http://a/%41"})
    EXPECT_TRUE(is_uri(text)) << text;
  for (const char* text : {"", "/a", "a", "http://a b", "http://a/%4", "1a:b", "http://a:b/",
                           "http://a/\\", "http://ä/"})
    EXPECT_FALSE(is_uri(text)) << text;
  for (const char* text : {"", "/a", "a/b:c", "#x", "?y", "//h/p"})
    EXPECT_TRUE(is_uri_reference(text)) << text;
  for (const char* text : {"1a:b", " ", "a#b#c", "[x]"})
    EXPECT_FALSE(is_uri_reference(text)) << text;
}

}  // namespace
}  // namespace jcn
