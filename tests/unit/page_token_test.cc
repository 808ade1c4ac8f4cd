#include "page_token.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "jcn/canonical.h"

namespace jcn {
namespace {

constexpr std::string_view url_safe =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

TEST(PageToken, ComesBackAsItWent) {
  for (const std::string& id : {std::string("a"), std::string("ä/€"), std::string(400, 'x')}) {
    const std::string token = page_token("videos", {"", id});
    EXPECT_EQ(token.find_first_not_of(url_safe), std::string::npos);
    const auto place = read_page_token("videos", token);
    ASSERT_TRUE(place) << id;
    EXPECT_EQ(place->second, id);
  }
  const auto place = read_page_token("/rejects", page_token("/rejects", {"root", "odd\xff\npath"}));
  ASSERT_TRUE(place);
  EXPECT_EQ(place->first, "root");
  EXPECT_EQ(place->second, "odd\xff\npath");
}

TEST(PageToken, RefusesGarbageAndOtherListings) {
  const std::string token = page_token("videos", {"", "abc"});
  EXPECT_FALSE(read_page_token("video", token));
  EXPECT_FALSE(read_page_token("videosx", token));
  EXPECT_FALSE(read_page_token("videos", ""));
  EXPECT_FALSE(read_page_token("videos", "abc"));
  EXPECT_FALSE(read_page_token("videos", token + "A"));
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string damaged = token;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';  // in the last place: also bits that no byte has
    EXPECT_FALSE(read_page_token("videos", damaged)) << i;
  }
}

const Hash128 walk = hash128("a walk");

PageEnd end_at(std::string id, std::string value = {}, double score = 0) {
  PageEnd end;
  end.id = std::move(id);
  end.value = std::move(value);
  end.score = score;
  return end;
}

TEST(QueryToken, ComesBackBitByBit) {
  std::vector<PageEnd> ends = {end_at("a"), end_at(std::string(400, 'x'), "null")};
  for (const char* value : {"true", "false", "-1.50e+3", "\"\"", "\"a\\n\\u0001ä\"", "0"})
    ends.push_back(end_at("ä/€", value));
  ends.push_back(end_at("long", json_quote(std::string(4096, '\x01'))));
  // A string that was cut within a character.
  ends.push_back(end_at("cut", "\"" + std::string(4094, 'x') + "\xe2\x82\""));
  for (const double score :
       {0.1 + 0.2, -0.0, 1e-310, std::numeric_limits<double>::infinity(), std::nextafter(5.0, 6.0)})
    ends.push_back(end_at("a", "", score));
  ends.push_back(end_at("a", "", 1.5));
  ends.back().basis = RelevanceBasis{};
  ends.push_back(end_at("a", "", 1.5));
  ends.back().basis = RelevanceBasis{217'150, 30'000'000'000, {0, 1, 127, 128, ~0ULL}};
  for (const PageEnd& end : ends) {
    const std::string token = query_token(walk, end);
    EXPECT_EQ(token.find_first_not_of(url_safe), std::string::npos);
    EXPECT_LE(token.size(), 6200u);
    const auto back = read_query_token(walk, token);
    ASSERT_TRUE(back) << end.id << ' ' << end.value.substr(0, 40);
    EXPECT_EQ(*back, end);
    EXPECT_EQ(std::signbit(back->score), std::signbit(end.score));
    EXPECT_FALSE(read_query_token(hash128("another"), token));
    EXPECT_FALSE(read_page_token("videos", token));
  }
  EXPECT_FALSE(read_query_token(walk, page_token("videos", {"", "a"})));
}

TEST(QueryToken, RefusesWhatNoPageEndsWith) {
  for (const PageEnd& end :
       {end_at(""), end_at("a\nb"), end_at("."), end_at("a", "[1]"), end_at("a", "{}"),
        end_at("a", "nul"), end_at("a", "01"), end_at("a", " 1"), end_at("a", "1,2"),
        end_at("a", "\"\xff and more\""), end_at("a", "", std::nan(""))})
    EXPECT_FALSE(read_query_token(walk, query_token(walk, end))) << end.id << ' ' << end.value;
}

// Whatever a token is made into, it is refused: the checksum sees all but one change in 2^32.
TEST(QueryToken, DamagedTokensAreRefused) {
  PageEnd end = end_at("talk-17", "\"Žirgs\"", 3.25);
  end.basis = RelevanceBasis{10, 200, {3, 4}};
  const std::string token = query_token(walk, end);
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string damaged = token;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(read_query_token(walk, damaged)) << i;
    EXPECT_FALSE(read_query_token(walk, token.substr(0, i))) << i;
  }
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string noise(random() % 80, 'A');
    for (char& c : noise) c = url_safe[random() % url_safe.size()];
    EXPECT_FALSE(read_query_token(walk, noise)) << noise;
  }
}

}  // namespace
}  // namespace jcn
