#include "keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "encoding.h"
#include "rows.h"

namespace jcn {
namespace {

TEST(Keys, RecordKeysOrderAsRecordKeyDoes) {
  std::vector<RecordKey> keys = {{"videos", "b"},  {"video", "z"},    {"videos", "a"},
                                 {"video-x", "a"}, {"videos_2", "a"}, {"videos", "ab"}};
  std::sort(keys.begin(), keys.end());
  std::vector<std::string> bytes;
  for (const RecordKey& key : keys) {
    bytes.push_back(record_key_bytes(key));
    EXPECT_EQ(parse_record_key(bytes.back()), key);
  }
  EXPECT_TRUE(std::is_sorted(bytes.begin(), bytes.end()));
  EXPECT_FALSE(parse_record_key("no zero byte"));
}

TEST(Keys, LongPathsAreCutAndStayApart) {
  const std::string path(509, 'p');
  EXPECT_EQ(file_key_bytes("", path).size(), 510U);
  EXPECT_FALSE(is_cut_file_key(file_key_bytes("", path)));
  EXPECT_EQ(parse_file_key(file_key_bytes("", path)), (FragmentName{"", path}));
  const std::string longer = path + std::string(3000, 'q');
  const std::string key = file_key_bytes("r", longer);
  EXPECT_EQ(key.size(), max_key_bytes);
  EXPECT_TRUE(is_cut_file_key(key));
  EXPECT_FALSE(parse_file_key(key));
  EXPECT_NE(key, file_key_bytes("r", longer + "1"));
  EXPECT_TRUE(key.starts_with(first_file_key("r", longer)));
  EXPECT_TRUE(key.starts_with(first_file_key("r", "ppp")));
}

TEST(Keys, SegmentKeysOrderByNumber) {
  EXPECT_LT(segment_key(1, 255, 7), segment_key(2, 1, 0));
  EXPECT_LT(segment_key(255, 1, 0), segment_key(256, 1, 0));
  const auto parts = parse_segment_key(segment_key(0x01020304, 9, 70000));
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->segment, 0x01020304U);
  EXPECT_EQ(parts->section, 9);
  EXPECT_EQ(parts->block, 70000U);
  EXPECT_LT(change_key(255), change_key(256));
}

TEST(Rows, FileRowsRoundTripWhole) {
  FileRow row;
  row.facts = {~std::uint64_t{0}, std::numeric_limits<std::int64_t>::min(),
               std::numeric_limits<std::int64_t>::max(), 42};
  row.read_ns = -1;
  const FragmentName name{"root", "path/x.json"};
  const auto round = [&](bool cut) {
    const auto decoded = decode_file_row(encode_file_row(row, name, cut));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->row, row);
    EXPECT_EQ(decoded->name.has_value(), cut);
    if (cut) {
      EXPECT_EQ(*decoded->name, name);
    }
  };
  round(false);
  row.contributes = RecordKey{"videos", "Zürich"};
  row.content = hash128("x");
  round(true);
  EXPECT_FALSE(file_row_rejected(encode_file_row(row, name, false)));
  for (const CodeRow& code : code_table) {
    if (!code.reject) continue;
    row.reject = Reject{code.code, 3, std::nullopt, 0, "/a~1b", std::string("nul \0 inside", 12)};
    row.since_ns = 1'700'000'000'000'000'000;
    round(false);
    EXPECT_TRUE(file_row_rejected(encode_file_row(row, name, false)));
  }
}

// No prefix is taken for a row; no mutation reads beyond its bytes.
TEST(Rows, DamagedRowsAreRefusedOrRowsThemselves) {
  FileRow row;
  row.facts = {1, 2, 3, 4};
  row.contributes = RecordKey{"videos", "id"};
  row.reject = Reject{Code::syntax_error, 1, 2, 3, "/x", "message"};
  const std::string bytes = encode_file_row(row, {"r", "p"}, true);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_file_row(std::string_view(bytes).substr(0, size))) << size;
  }
  EXPECT_FALSE(decode_file_row(bytes + "x"));
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string other = bytes;
    other[random() % other.size()] = static_cast<char>(random());
    // What is accepted all the same is a row in its own right.
    if (const auto decoded = decode_file_row(other)) {
      const FragmentName name = decoded->name.value_or(FragmentName{});
      const auto again =
          decode_file_row(encode_file_row(decoded->row, name, decoded->name.has_value()));
      ASSERT_TRUE(again);
      EXPECT_EQ(again->row, decoded->row);
    }
  }
}

TEST(Encoding, VarintsHaveOneLengthAndNoOverflow) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128},
                                    ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    std::string bytes;
    ByteWriter(bytes).varint(value);
    ByteReader in(bytes);
    EXPECT_EQ(in.varint(), value);
    EXPECT_TRUE(in.done());
  }
  EXPECT_FALSE([] {
    ByteReader in(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10));
    in.varint();
    return in.ok();
  }());
  EXPECT_FALSE([] {
    ByteReader in(std::string_view("\x80", 1));
    in.varint();
    return in.ok();
  }());
}

TEST(Encoding, SealsFindEveryFlippedBit) {
  std::string block = "a block of some bytes";
  seal(block);
  ASSERT_TRUE(unseal(block));
  EXPECT_EQ(*unseal(block), "a block of some bytes");
  for (std::size_t bit = 0; bit < block.size() * 8; ++bit) {
    std::string flipped = block;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(unseal(flipped)) << bit;
  }
  EXPECT_FALSE(unseal("short"));
}

}  // namespace
}  // namespace jcn
