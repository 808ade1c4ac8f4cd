#include "front_coding.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace jcn {
namespace {

std::vector<std::string> random_keys(std::uint32_t seed, std::size_t count) {
  std::mt19937 random(seed);
  std::set<std::string> keys;
  while (keys.size() < count) {
    std::string key;
    for (auto left = random() % 40; left > 0; --left) key += "ab\xff"[random() % 3];
    keys.insert(key);
  }
  return {keys.begin(), keys.end()};
}

TEST(FrontCoding, GivesKeysAndPayloadsBackFromAnyWholeKey) {
  const std::vector<std::string> keys = random_keys(1, 200);
  FrontCodedWriter writer;
  for (const std::string& key : keys) {
    ASSERT_TRUE(writer.has_room(key.size() + 4, 0xffff));
    writer.add(key, "<" + key.substr(0, 2) + ">");
  }
  const std::string block = writer.take();
  EXPECT_TRUE(writer.empty());
  FrontCodedReader reader(block);
  ASSERT_EQ(reader.whole_keys(), (keys.size() + whole_key_interval - 1) / whole_key_interval);
  for (std::uint32_t whole = 0; whole < reader.whole_keys(); ++whole) {
    EXPECT_EQ(reader.whole_key(whole), keys[whole * whole_key_interval]);
    ASSERT_TRUE(reader.go_to(whole));
    for (std::size_t i = whole * whole_key_interval; i < keys.size(); ++i) {
      ASSERT_TRUE(reader.next());
      ASSERT_EQ(reader.key(), keys[i]);
      const std::string payload = "<" + keys[i].substr(0, 2) + ">";
      ASSERT_EQ(reader.payload().raw(payload.size()), payload);
    }
    EXPECT_TRUE(reader.done());
    EXPECT_FALSE(reader.next());
    EXPECT_TRUE(reader.ok());
  }
  EXPECT_FALSE(reader.whole_key(reader.whole_keys()));
  EXPECT_FALSE(reader.go_to(reader.whole_keys()));
}

TEST(FrontCoding, ABlockStaysWithinItsSize) {
  for (const std::size_t block_bytes : {40UL, 300UL, 16'360UL, 1'000'000UL}) {
    std::vector<std::string> blocks;
    FrontCodedWriter writer;
    std::size_t keys = 0;
    for (const std::string& key : random_keys(2, 6000)) {
      if (!writer.has_room(key.size(), block_bytes)) blocks.push_back(writer.take());
      writer.add(key);
    }
    blocks.push_back(writer.take());
    for (const std::string& block : blocks) {
      EXPECT_LE(block.size(), std::max<std::size_t>(std::min(block_bytes, 65'535UL), 50));
      for (FrontCodedReader reader(block); reader.next();) ++keys;
    }
    EXPECT_EQ(keys, 6000U);
  }
}

TEST(FrontCoding, MalformedBlocksEnd) {
  FrontCodedWriter writer;
  for (const std::string& key : random_keys(3, 60)) writer.add(key);
  const std::string block = writer.take();
  std::mt19937 random(4);
  int malformed = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = block;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes.resize(random() % 3 == 0 ? random() % (bytes.size() + 1) : bytes.size());
    FrontCodedReader reader(bytes);
    std::size_t keys = 0;
    while (reader.next()) ++keys;
    ASSERT_LE(keys, bytes.size());
    if (!reader.ok()) ++malformed;
    for (std::uint32_t whole = 0; whole < std::min(reader.whole_keys(), 100U); ++whole) {
      reader.whole_key(whole);
      FrontCodedReader there(bytes);
      if (there.go_to(whole)) there.next();
    }
  }
  EXPECT_GT(malformed, 1000);
}

TEST(FrontCoding, NoBytesAreNoBlock) {
  EXPECT_FALSE(FrontCodedReader("").ok());
  EXPECT_FALSE(FrontCodedReader("").next());
  EXPECT_TRUE(FrontCodedReader().ok());
  EXPECT_TRUE(FrontCodedReader().done());
}

}  // namespace
}  // namespace jcn
