#include "posting_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace jcn {
namespace {

using Random = std::independent_bits_engine<std::mt19937, 32, std::uint32_t>;
using Places = std::vector<std::uint32_t>;

Places places_of(const PlaceSet& set) {
  Places out;
  set.for_each([&out](std::uint32_t place) { out.push_back(place); });
  return out;
}

PlaceSet set_of(const Places& places, std::uint32_t size) {
  PlaceSet set(size);
  for (const std::uint32_t place : places) set.set(place);
  return set;
}

struct Read {
  Places places, payloads;
  bool ok = false;
};

Read read(std::string_view bytes, std::uint32_t range, bool with_payloads) {
  Read out;
  PostingReader reader(bytes, range, with_payloads);
  while (reader.next()) {
    out.places.push_back(reader.place());
    if (with_payloads) out.payloads.push_back(reader.payload());
  }
  EXPECT_FALSE(reader.next());
  out.ok = reader.ok();
  return out;
}

// Sets as they come: few, many, runs, all but a few, all.
Places random_places(Random& random, std::uint32_t range) {
  std::set<std::uint32_t> places;
  if (range == 0) return {};
  switch (random() % 5) {
    case 0:
      for (std::size_t i = random() % 5; i > 0; --i) places.insert(random() % range);
      break;
    case 1:
      for (std::size_t i = random() % range; i > 0; --i) places.insert(random() % range);
      break;
    case 2: {
      const std::uint32_t first = random() % range, end = first + random() % (range - first) + 1;
      for (std::uint32_t place = first; place < end; ++place) places.insert(place);
      break;
    }
    default:
      for (std::uint32_t place = 0; place < range; ++place) places.insert(place);
      for (std::size_t i = random() % 3; i > 0; --i) places.erase(random() % range);
      break;
  }
  return {places.begin(), places.end()};
}

TEST(PlaceSet, SetsAreSets) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  for (const std::uint32_t size : {0U, 1U, 63U, 64U, 65U, 128U, 1000U}) {
    for (int i = 0; i < 50; ++i) {
      const Places a = random_places(random, size), b = random_places(random, size);
      const PlaceSet set_a = set_of(a, size), set_b = set_of(b, size);
      EXPECT_EQ(places_of(set_a), a);
      EXPECT_EQ(set_a.count(), a.size());
      EXPECT_EQ(set_a.none(), a.empty());
      EXPECT_EQ(set_a == set_b, a == b);

      Places expected;
      std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(expected));
      PlaceSet set = set_a;
      EXPECT_EQ(places_of(set &= set_b), expected);
      EXPECT_EQ(set_a.count_common(set_b), expected.size());
      expected.clear();
      std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(expected));
      set = set_a;
      EXPECT_EQ(places_of(set |= set_b), expected);
      expected.clear();
      std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(expected));
      set = set_a;
      EXPECT_EQ(places_of(set.subtract(set_b)), expected);

      set = set_a;
      set.invert();
      EXPECT_EQ(set.count(), size - a.size());
      EXPECT_EQ(set.count_common(set_a), 0U);
      set |= set_a;
      EXPECT_EQ(set, PlaceSet(size, true));

      Places walked;
      for (std::uint32_t at = set_a.next(0); at < size; at = set_a.next(at + 1)) {
        walked.push_back(at);
        EXPECT_TRUE(set_a.test(at));
      }
      EXPECT_EQ(walked, a);
      for (const std::uint32_t place : a) set.reset(place);
      EXPECT_EQ(set.count(), size - a.size());
    }
    EXPECT_EQ(PlaceSet(size, true).count(), size);
    EXPECT_EQ(PlaceSet(size).next(size), size);
  }
}

TEST(PostingList, BytesAreThoseOfTheFormat) {
  const auto bytes = [](const Places& places, const Places& payloads, std::uint32_t range) {
    std::vector<int> out;
    for (const char c : encode_postings(places, payloads, range)) {
      out.push_back(static_cast<unsigned char>(c));
    }
    return out;
  };
  using Bytes = std::vector<int>;
  EXPECT_EQ(bytes({0, 1, 2}, {}, 3), Bytes{0});
  EXPECT_EQ(bytes({5, 6, 300}, {}, 1000), (Bytes{1, 5, 0, 0xa5, 0x02}));
  EXPECT_EQ(bytes({16, 17, 18, 19, 25}, {}, 100), (Bytes{2, 2, 0x0f, 0x02}));
  // Payloads need the places written out, be it all of them.
  EXPECT_EQ(bytes({0, 1}, {7, 200}, 2), (Bytes{1, 0, 7, 0, 0xc8, 0x01}));
  // Or they stand apart: two groups of flags, and the third payload is another.
  EXPECT_EQ(bytes({0, 1, 2, 3, 4, 5, 6, 7, 8}, {5, 5, 9, 5, 5, 5, 5, 5, 5}, 9),
            (Bytes{3, 1, 0, 5, 4, 9, 0}));
}

TEST(PostingList, TheSmallestFormIsTaken) {
  Places every_third;
  for (std::uint32_t place = 0; place < 30'000; place += 3) every_third.push_back(place);
  EXPECT_LT(encode_postings(every_third, {}, 30'000).size(), 3'760U);
  Places rare;
  for (std::uint32_t place = 0; place < 30'000; place += 100) rare.push_back(place);
  EXPECT_LT(encode_postings(rare, {}, 30'000).size(), 310U);
  Places all(30'000);
  for (std::uint32_t place = 0; place < 30'000; ++place) all[place] = place;
  EXPECT_EQ(encode_postings(all, {}, 30'000).size(), 1U);
  EXPECT_LT(encode_postings(all, {}, 30'001).size(), 3'760U);
  const Places cluster(all.begin() + 20'000, all.begin() + 20'100);
  EXPECT_LT(encode_postings(cluster, {}, 30'000).size(), 20U);
}

TEST(PostingList, ListsRoundTrip) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  for (const std::uint32_t range : {0U, 1U, 7U, 8U, 64U, 65U, 200U, 4096U, 70'001U}) {
    for (int i = 0; i < 40; ++i) {
      const Places places = random_places(random, range);
      Places payloads;
      for (std::size_t j = 0; j < places.size(); ++j) {
        payloads.push_back(random() % 3 ? random() % 4 : static_cast<std::uint32_t>(random()));
      }
      const Read plain = read(encode_postings(places, {}, range), range, false);
      EXPECT_TRUE(plain.ok);
      ASSERT_EQ(plain.places, places);
      PlaceSet set(range);
      EXPECT_TRUE(add_postings(encode_postings(places, {}, range), range, false, set));
      ASSERT_EQ(places_of(set), places);
      // A set may be larger, and what it holds stays.
      PlaceSet larger(range + 100);
      larger.set(range + 3);
      EXPECT_TRUE(add_postings(encode_postings(places, {}, range), range, false, larger));
      ASSERT_EQ(larger.count(), places.size() + 1);
      if (places.empty()) continue;
      const std::string bytes = encode_postings(places, payloads, range);
      const Read with_payloads = read(bytes, range, true);
      EXPECT_TRUE(with_payloads.ok);
      ASSERT_EQ(with_payloads.places, places);
      ASSERT_EQ(with_payloads.payloads, payloads);
      PlaceSet of_words(range);
      EXPECT_TRUE(add_postings(bytes, range, true, of_words));
      ASSERT_EQ(places_of(of_words), places);
    }
  }
}

TEST(PostingList, TheLastPlacesOfAll) {
  constexpr std::uint32_t range = 0xffffffff;
  const Places places = {0, 1, range - 2, range - 1};
  EXPECT_EQ(read(encode_postings(places, {}, range), range, false).places, places);
  Places end;
  for (std::uint32_t place = range - 100; place < range; ++place) end.push_back(place);
  const std::string bytes = encode_postings(end, {}, range);
  EXPECT_EQ(bytes.front(), 2);
  EXPECT_EQ(read(bytes, range, false).places, end);
}

TEST(PostingList, MalformedListsAreToldApart) {
  const auto ok = [](std::initializer_list<int> bytes, std::uint32_t range, bool with_payloads) {
    std::string text;
    for (const int byte : bytes) text += static_cast<char>(byte);
    PlaceSet set(range);
    const bool added = add_postings(text, range, with_payloads, set);
    EXPECT_EQ(read(text, range, with_payloads).ok, added);
    return added;
  };
  // Of payloads apart, add_postings sees the places only.
  const auto whole = [](std::initializer_list<int> bytes, std::uint32_t range) {
    std::string text;
    for (const int byte : bytes) text += static_cast<char>(byte);
    return read(text, range, true).ok;
  };
  EXPECT_TRUE(ok({1, 9}, 10, false));
  EXPECT_TRUE(ok({1}, 10, false));
  EXPECT_FALSE(ok({}, 10, false));
  EXPECT_FALSE(ok({3, 0}, 10, false));
  EXPECT_FALSE(ok({0, 0}, 10, false));
  EXPECT_FALSE(ok({0}, 10, true));
  EXPECT_FALSE(ok({1, 10}, 10, false));
  EXPECT_FALSE(ok({1, 9, 0}, 10, false));
  EXPECT_FALSE(ok({1, 0x85}, 10, false));
  EXPECT_FALSE(ok({1, 0x85, 0x80, 0x80, 0x80, 0x10}, 10, false));
  EXPECT_FALSE(ok({1, 0x85, 0x80, 0x80, 0x80, 0x80, 0}, 10, false));
  EXPECT_FALSE(ok({1, 3}, 10, true));
  EXPECT_FALSE(ok({2}, 10, false));
  EXPECT_FALSE(ok({2, 0, 1}, 10, true));
  EXPECT_FALSE(ok({2, 1, 4}, 10, false));
  EXPECT_TRUE(ok({2, 1, 2}, 10, false));
  EXPECT_FALSE(ok({2, 0, 1, 1, 0}, 10, false));
  EXPECT_FALSE(ok({2, 0xff, 0xff, 0xff, 0xff, 0x0f, 1}, 10, false));
  EXPECT_TRUE(ok({3, 1, 0, 5, 4, 9}, 3, true));
  EXPECT_FALSE(ok({3, 1, 0, 5, 4, 9}, 3, false));
  EXPECT_FALSE(whole({3, 1, 0, 5, 4, 9, 0}, 3));
  EXPECT_FALSE(whole({3, 1, 0, 5, 4}, 3));
  EXPECT_FALSE(whole({3, 1, 0, 5, 0x0c, 9, 9}, 3));
  EXPECT_FALSE(whole({3, 1, 0, 5}, 3));
  EXPECT_FALSE(whole({3, 1, 0}, 3));
  EXPECT_FALSE(whole({3, 1, 4, 5, 0}, 3));
  EXPECT_FALSE(whole({3, 3, 1, 0, 5, 0}, 3));
  EXPECT_FALSE(whole({3, 6, 3, 1, 0, 5, 4, 9, 5, 0}, 3));
  EXPECT_FALSE(ok({3, 0xff, 0xff, 0xff, 0xff, 0x0f, 0}, 3, true));
}

TEST(PostingList, ForeignBytesGiveAscendingPlacesInRange) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  int whole = 0;
  for (int i = 0; i < 60'000; ++i) {
    const std::uint32_t range = random() % 300;
    const bool with_payloads = random() % 3 == 0;
    std::string bytes;
    if (random() % 2) {
      const Places places = random_places(random, std::min(range, 40U));
      Places payloads;
      if (with_payloads) {
        for (std::size_t j = 0; j < places.size(); ++j) payloads.push_back(random() % 5 ? 1 : 200);
      }
      bytes = encode_postings(places, payloads, range);
      if (!bytes.empty() && random() % 2)
        bytes[random() % bytes.size()] ^= static_cast<char>(random());
      bytes.resize(random() % 2 ? bytes.size() : random() % (bytes.size() + 1));
    } else {
      bytes += static_cast<char>(random() % 5);
      for (std::size_t j = random() % 50; j > 0; --j) {
        bytes += static_cast<char>(random() % 2 ? random() : random() % 4);
      }
    }
    const std::vector<char> exact(bytes.begin(), bytes.end());
    const std::string_view list(exact.data(), exact.size());
    const Read places = read(list, range, with_payloads);
    ASSERT_TRUE(std::is_sorted(places.places.begin(), places.places.end(), std::less_equal<>()));
    if (!places.places.empty()) {
      ASSERT_LT(places.places.back(), range);
    }
    PlaceSet set(range);
    if (add_postings(list, range, with_payloads, set)) {
      ASSERT_TRUE(places.ok || list.front() == 3);
    } else {
      ASSERT_FALSE(places.ok);
    }
    ASSERT_EQ((set.words().empty() ? 0 : set.words().back() >> (range - 1) % 64 >> 1), 0U);
    if (places.ok) {
      ++whole;
      ASSERT_EQ(places_of(set), places.places);
    }
  }
  EXPECT_GT(whole, 5'000);
}

}  // namespace
}  // namespace jcn
