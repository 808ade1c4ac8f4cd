#include "columns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace jcn {
namespace {

using Random = std::independent_bits_engine<std::mt19937, 32, std::uint32_t>;
using Rows = std::vector<std::vector<std::uint32_t>>;

ColumnChunk chunk_of(const Rows& rows) {
  ColumnChunk chunk;
  for (const auto& row : rows) {
    chunk.ordinals.insert(chunk.ordinals.end(), row.begin(), row.end());
    chunk.ends.push_back(static_cast<std::uint32_t>(chunk.ordinals.size()));
  }
  return chunk;
}

void expect_rows(const ColumnChunkView& view, const Rows& rows) {
  Rows visited(rows.size());
  std::uint32_t before = 0;
  view.for_each_present([&](std::uint32_t place, std::uint32_t ordinal) {
    ASSERT_LT(place, rows.size());
    EXPECT_LE(before, place);
    before = place;
    visited[place].push_back(ordinal);
  });
  ASSERT_EQ(visited, rows);
  for (std::uint32_t place = 0; place < rows.size(); ++place) {
    const auto& row = rows[place];
    std::vector<std::uint32_t> ordinals;
    view.for_each(place, [&](std::uint32_t ordinal) { ordinals.push_back(ordinal); });
    ASSERT_EQ(ordinals, row);
    ASSERT_EQ(view.smallest(place), row.empty() ? -1 : std::int64_t{row.front()});
    ASSERT_EQ(view.largest(place), row.empty() ? -1 : std::int64_t{row.back()});
    if (view.dense()) {
      ASSERT_EQ(view.dense_ordinal(place), row.empty() ? 0 : row.front() + 1);
    }
  }
}

std::string encode(const Rows& rows) {
  return encode_column_chunk(chunk_of(rows));
}

std::optional<ColumnChunkView> open(std::string_view bytes, std::size_t places) {
  return ColumnChunkView::open(bytes, static_cast<std::uint32_t>(places));
}

std::string bytes_of(std::initializer_list<int> bytes) {
  std::string out;
  for (const int byte : bytes) out += static_cast<char>(byte);
  return out;
}

TEST(Columns, BytesAreThoseOfTheFormat) {
  EXPECT_EQ(encode({{}, {}, {}}), "");
  EXPECT_EQ(encode({{4}, {}, {254}}), bytes_of({1, 1, 0, 5, 0, 255}));
  EXPECT_EQ(encode({{4}, {7}, {255}}), bytes_of({1, 2, 0, 5, 0, 8, 0, 0, 1}));
  Rows rows(300);
  rows[259] = {1, 300};
  rows[260] = {2};
  EXPECT_EQ(encode(rows), bytes_of({2, 2, 3, 1, 3, 1, 4, 1, 1, 0, 44, 1, 2, 0}));
  EXPECT_EQ(encode({{1, 2}, {3, 4}}), bytes_of({3, 1, 2, 2, 0, 4, 0, 1, 2, 3, 4}));
}

TEST(Columns, NoBytesAreNoOrdinals) {
  expect_rows(ColumnChunkView(), Rows(5));
  const auto view = open("", 5);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->empty());
  EXPECT_FALSE(view->dense());
  expect_rows(*view, Rows(5));
}

TEST(Columns, OrdinalsOfAllWidths) {
  for (const std::uint32_t largest : {0U, 1U, 254U, 255U, 256U, 65'534U, 65'535U, 16'777'214U,
                                      16'777'215U, 16'777'216U, 0xfffffffeU, 0xffffffffU}) {
    for (const Rows& rows : {Rows{{largest}, {0}, {}, {1}}, Rows{{0, largest}, {}, {largest}},
                             Rows{{}, {}, {}, {}, {}, {}, {}, {}, {}, {largest}}}) {
      const std::string bytes = encode(rows);
      const auto view = open(bytes, rows.size());
      ASSERT_TRUE(view) << largest;
      expect_rows(*view, rows);
    }
  }
}

TEST(Columns, TheSmallestFormIsTaken) {
  Rows one_each(column_chunk);
  for (std::uint32_t i = 0; i < column_chunk; ++i) one_each[i] = {i % 200};
  EXPECT_EQ(encode(one_each).size(), 3U + column_chunk);
  Rows few(column_chunk);
  for (std::uint32_t i = 0; i < column_chunk; i += 100) few[i] = {1, 2};
  EXPECT_EQ(encode(few).size(), 2U + 82 * 3);
  Rows several = one_each;
  for (auto& row : several) row.push_back(220);
  EXPECT_EQ(encode(several).size(), 3U + column_chunk * 4);
  // More ordinals than two bytes count.
  Rows wide(column_chunk);
  for (auto& row : wide) {
    for (std::uint32_t i = 0; i < 17; ++i) row.push_back(i);
  }
  const std::string bytes = encode(wide);
  EXPECT_EQ(bytes.size(), 3U + column_chunk * (4 + 17));
  const auto view = open(bytes, column_chunk);
  ASSERT_TRUE(view);
  expect_rows(*view, wide);
}

Rows random_rows(Random& random) {
  Rows rows(1 + random() % (random() % 4 ? 40 : 300));
  const std::uint32_t density = 1 + random() % 10, most = 1 + random() % 3;
  const std::uint32_t range = std::uint32_t{1} << random() % 32;
  for (auto& row : rows) {
    if (random() % 10 >= density) continue;
    for (std::size_t i = random() % (most + 1); i > 0; --i) row.push_back(random() % range);
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
  }
  return rows;
}

TEST(Columns, ChunksRoundTrip) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  std::array<int, 4> forms{};
  for (int i = 0; i < 5000; ++i) {
    const Rows rows = random_rows(random);
    const std::string bytes = encode(rows);
    ++forms[bytes.empty() ? 0 : static_cast<std::size_t>(bytes[0])];
    const auto view = open(bytes, rows.size());
    ASSERT_TRUE(view);
    expect_rows(*view, rows);
  }
  for (const int count : forms) EXPECT_GT(count, 50);
}

TEST(Columns, DenseRangesAreThoseOfSinglePlaces) {
  Random random(11);
  for (const std::uint32_t values : {3U, 255U, 256U, 65'535U, 65'536U, 1U << 24, 0xffff'fffeU}) {
    Rows rows(column_chunk - 7);
    for (auto& row : rows) {
      if (random() % 5 != 0) row = {random() % values};
    }
    rows[1] = {values - 1};
    const std::string bytes = encode(rows);
    const auto view = open(bytes, rows.size());
    ASSERT_TRUE(view && view->dense());
    for (int trial = 0; trial < 200; ++trial) {
      // Also ranges that begin, and that end, behind what a chunk's numbers can hold.
      const std::uint32_t begin = trial < 20 ? values - 1 : random() % values;
      const std::uint32_t size =
          std::min(trial % 3 == 0 ? random() % 4 : random() >> random() % 32, 0xffff'ffffU - begin);
      for (std::uint32_t place = 0; place < rows.size(); place += 64) {
        std::uint64_t expected = 0;
        for (std::uint32_t i = 0; i < std::min<std::size_t>(64, rows.size() - place); ++i) {
          const auto& row = rows[place + i];
          const bool inside = !row.empty() && row[0] >= begin && row[0] - begin < size;
          expected |= std::uint64_t{inside} << i;
        }
        ASSERT_EQ(view->dense_inside(place, begin, size), expected)
            << values << " values, from " << begin << ", " << size;
      }
    }
    ASSERT_EQ(view->dense_inside(0, values, 1'000), 0U);
  }
}

TEST(Columns, MalformedChunksAreRefused) {
  EXPECT_TRUE(open(bytes_of({1, 1, 0, 5, 0, 9}), 3));
  EXPECT_FALSE(open(bytes_of({1, 1, 0, 5, 0, 9}), 4));
  EXPECT_FALSE(open(bytes_of({1, 1, 0, 5, 0, 9}), 2));
  EXPECT_FALSE(open(bytes_of({1, 1, 1, 5, 0, 9}), 3));
  EXPECT_FALSE(open(bytes_of({1, 0, 0, 5, 0, 9}), 3));
  EXPECT_FALSE(open(bytes_of({1, 5, 0, 5, 0, 9, 0, 0}), 1));
  EXPECT_FALSE(open(bytes_of({4, 1, 0, 5, 0, 9}), 3));
  EXPECT_FALSE(open(bytes_of({1}), 3));
  EXPECT_TRUE(open(bytes_of({2, 1, 3, 0, 3, 0, 7, 8}), 4));
  EXPECT_FALSE(open(bytes_of({2, 1, 3, 0, 4, 0, 7, 8}), 4));
  EXPECT_FALSE(open(bytes_of({2, 1, 3, 0, 2, 0, 7, 8}), 4));
  EXPECT_FALSE(open(bytes_of({2, 1, 3, 0, 3, 0, 7}), 4));
  EXPECT_TRUE(open(bytes_of({3, 1, 2, 1, 0, 2, 0, 7, 8}), 2));
  EXPECT_FALSE(open(bytes_of({3, 1, 2, 3, 0, 2, 0, 7, 8}), 2));
  EXPECT_FALSE(open(bytes_of({3, 1, 2, 1, 0, 3, 0, 7, 8}), 2));
  EXPECT_FALSE(open(bytes_of({3, 1, 3, 1, 0, 2, 0, 7, 8}), 2));
  EXPECT_FALSE(open(bytes_of({3, 1, 2, 1, 0, 2}), 2));
  EXPECT_FALSE(open(bytes_of({1, 1, 0, 5}), column_chunk + 1));
}

TEST(Columns, ForeignBytesAreReadWithinBounds) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  int opened = 0;
  for (int i = 0; i < 40'000; ++i) {
    std::string bytes;
    std::size_t places = 1 + random() % 8;
    if (random() % 2) {
      const Rows rows = random_rows(random);
      places = rows.size();
      bytes = encode(rows);
      for (std::size_t j = random() % 3; j > 0 && !bytes.empty(); --j) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      }
    } else {
      for (std::size_t j = random() % 24; j > 0; --j) bytes += static_cast<char>(random() % 5);
    }
    const std::vector<char> exact(bytes.begin(), bytes.end());
    const auto view = open({exact.data(), exact.size()}, places);
    if (!view) continue;
    ++opened;
    std::uint64_t visited = 0, asked = 0;
    view->for_each_present([&](std::uint32_t place, std::uint32_t) {
      ASSERT_LT(place, places);
      ++visited;
    });
    for (std::uint32_t place = 0; place < places; ++place) {
      view->for_each(place, [&asked](std::uint32_t) { ++asked; });
      ASSERT_EQ(view->smallest(place) == -1, view->largest(place) == -1);
    }
    ASSERT_EQ(visited, asked);
  }
  EXPECT_GT(opened, 5'000);
}

}  // namespace
}  // namespace jcn
