#include "html.h"

#include <gtest/gtest.h>

namespace {

using cgi::Address;
using cgi::Attributes;
using cgi::Html;
using cgi::markup::Place;
using cgi::markup::Reader;

TEST(Html, ValuesAreEscapedWhereverTheyStand) {
  const std::string hostile = "<b>&\"'</script>";
  EXPECT_EQ(Html("<p>{}</p>", hostile).text(), "<p>&lt;b&gt;&amp;&#34;&#39;&lt;/script&gt;</p>");
  EXPECT_EQ(Html(R"(<p title="{}">x</p>)", hostile).text(),
            "<p title=\"&lt;b&gt;&amp;&#34;&#39;&lt;/script&gt;\">x</p>");
  EXPECT_EQ(Html(R"(<a href="{}">x</a>)", Address::same_page("a&b='\"<")).text(),
            "<a href=\"?a&amp;b=&#39;%22%3C\">x</a>");
  EXPECT_EQ(Html("<p>{}{}</p>", "{}", 5).text(), "<p>{}5</p>");
  Html twice("<p>{}</p>", Html("<b>{}</b>", "&"));
  twice.add_text("<");
  EXPECT_EQ(twice.text(), "<p><b>&amp;</b></p>&lt;");
}

TEST(Html, AttributesComeWithTheirOwnSpace) {
  Attributes more;
  EXPECT_EQ(Html("<video controls{}>", more).text(), "<video controls>");
  more.add(R"( poster="{}")", Address::page("/p"));
  more.add(R"( width="{}" height="{}")", 4, "\"3");
  EXPECT_EQ(Html("<video controls{}>", more).text(),
            "<video controls poster=\"/p\" width=\"4\" height=\"&#34;3\">");
  EXPECT_EQ(Html(R"(<br{} id="{}">)", Attributes(" hidden"), "x").text(), "<br hidden id=\"x\">");
}

// What does not compile: the same reader, asked at run time where the {} stand.
Place place_of(std::string_view literal) {
  return Reader(literal, false).next().place;
}

TEST(Html, TheReaderTellsWhereValuesStand) {
  EXPECT_EQ(place_of("<p>{}</p>"), Place::text);
  EXPECT_EQ(place_of("{}"), Place::text);
  EXPECT_EQ(place_of("<p id=\"{}\">"), Place::attribute);
  EXPECT_EQ(place_of("<p id=\"a {} b\">"), Place::attribute);
  EXPECT_EQ(place_of("<p title=\">{}\">"), Place::attribute);
  for (const char* literal :
       {"<a href=\"{}\">", "<a\n  id=\"x\" href=\"{}\">", "<img src=\"{}\">",
        "<form action=\"{}\">", "<video poster=\"{}\">", "<div data-events=\"{}\">"})
    EXPECT_EQ(place_of(literal), Place::address) << literal;
  for (const char* literal : {"<p{}>", "<p {}>", "<p id=\"x\"{}>", "<p hidden{}>", "<p hidden {}>"})
    EXPECT_EQ(place_of(literal), Place::tag) << literal;
  Reader unfinished("<p id=\"x\"", false);
  EXPECT_EQ(unfinished.next().at, std::string_view::npos);
  EXPECT_FALSE(unfinished.ends_in_text());
  EXPECT_TRUE(unfinished.ends_in_tag());
}

// Which types fit where.
static_assert(cgi::markup::fits<std::string>(Place::text));
static_assert(cgi::markup::fits<char[5]>(Place::attribute));
static_assert(cgi::markup::fits<unsigned>(Place::attribute));
static_assert(cgi::markup::fits<Address>(Place::address));
static_assert(cgi::markup::fits<Attributes>(Place::tag));
static_assert(!cgi::markup::fits<std::string>(Place::address));
static_assert(!cgi::markup::fits<std::string>(Place::tag));
static_assert(!cgi::markup::fits<Html>(Place::attribute));
static_assert(!cgi::markup::fits<Html>(Place::tag));
static_assert(!cgi::markup::fits<Address>(Place::text));
static_assert(!cgi::markup::fits<bool>(Place::text));
static_assert(!cgi::markup::fits<double>(Place::text));

// Literals are literals: text that is made at run time is no markup.
template <class Text>
concept is_markup = requires(Text text) {
  Html(text);
};
static_assert(!is_markup<std::string>);
static_assert(!is_markup<std::string_view>);
static_assert(!is_markup<const char*>);

}  // namespace
