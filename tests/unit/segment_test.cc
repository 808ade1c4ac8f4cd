#include "segment.h"

#include <gtest/gtest.h>

#include <random>

#include "index_model.h"
#include "segment_builder.h"

namespace jcn {
namespace {

struct Built {
  std::shared_ptr<MemoryBlocks> blocks = std::make_shared<MemoryBlocks>();
  std::shared_ptr<const SegmentHead> head;
};

SegmentBuilder::Sink into(Built& built) {
  return [&built](Section section, std::uint32_t number, std::string payload) {
    built.blocks->add(section, number, std::move(payload));
    return Result<void>();
  };
}

Record sample(int i) {
  Record record =
      record_of("videos", "id" + std::to_string(1000 + i),
                "{\"title\":\"" + std::string(static_cast<std::size_t>(i * 7 % 900), 't') + "\"}");
  record.seq = static_cast<std::uint64_t>(i) * 3 + 1;
  record.rev = hash128(record.document);
  if (i % 3 == 0) record.fragments.push_back({{"two", "b/" + std::to_string(i)}, 7, -9, true});
  if (i % 4 == 0) record.since_ns = (i - 500) * std::int64_t{1'000'000'007};
  if (i % 10 == 0) {
    record.since_ns.reset();
    record.exists = false;
    record.rev = {};
    record.document.clear();
  }
  return record;
}

TEST(Segment, GivesBackWhatWasBuiltAtEveryBlockSize) {
  for (const std::size_t block_bytes : {64UL, 1000UL, block_target_bytes}) {
    for (const bool compressed : {false, true}) {
      Built built;
      SegmentBuilder builder(0, into(built), block_bytes);
      constexpr int records = 300;
      for (int i = 0; i < records; ++i) {
        const Record record = sample(i);
        std::string entry = encode_entry(record);
        if (compressed) entry = compress_entry(*decode_entry(entry), nullptr);
        ASSERT_TRUE(builder.add("videos\0" + record.key.id, entry));
      }
      built.head = std::make_shared<const SegmentHead>(must(builder.finish()));
      const auto reread = decode_segment_head(must(built.blocks->block(Section::head, 0)));
      ASSERT_TRUE(reread);
      EXPECT_EQ(reread->first_locals, built.head->first_locals);
      EXPECT_EQ(reread->records, static_cast<std::uint32_t>(records));
      const Segment segment(built.head, *built.blocks);
      SegmentKeys keys(*built.head, *built.blocks);
      for (int i = 0; i < records; ++i) {
        const Record wanted = sample(i);
        ASSERT_TRUE(must(keys.next()));
        EXPECT_EQ(keys.key(), "videos\0" + wanted.key.id);
        EXPECT_EQ(keys.local(), static_cast<std::uint32_t>(i));
        const SegmentEntry entry = must(segment.entry(keys.local()));
        EXPECT_EQ(entry.seq, wanted.seq);
        EXPECT_EQ(entry.created_ns, wanted.created_ns());
        EXPECT_EQ(entry.updated_ns, wanted.updated_ns());
        Record found;
        ASSERT_TRUE(unpack_entry(entry, nullptr, found));
        EXPECT_EQ(found.document, wanted.document);
        EXPECT_EQ(found.fragments, wanted.fragments);
        EXPECT_EQ(found.rev, wanted.rev);
        EXPECT_EQ(found.since_ns, wanted.since_ns);
        EXPECT_EQ(entry.since_ns, wanted.since_ns);
        EXPECT_EQ(found.exists, wanted.exists);
      }
      EXPECT_FALSE(must(keys.next()));
      const auto beyond = segment.entry(records);
      ASSERT_FALSE(beyond);
      EXPECT_EQ(beyond.error().code, Code::index_damaged);
    }
  }
}

TEST(Segment, CompressedEntriesCanBeUncompressedAgain) {
  const Record record = record_of("videos", "x", "{\"t\":\"" + std::string(500, 'a') + "\"}");
  const std::string raw = encode_entry(record);
  const std::string packed = compress_entry(*decode_entry(raw), nullptr);
  EXPECT_LT(packed.size(), raw.size());
  const auto entry = decode_entry(packed);
  ASSERT_TRUE(entry);
  const auto strings = entry_strings(*entry, nullptr);
  ASSERT_TRUE(strings);
  EXPECT_EQ(with_strings(*entry, *strings), raw);
}

// Decoders must neither read beyond their bytes nor trust a count.
TEST(Segment, MutatedBlocksNeverCrash) {
  Built built;
  SegmentBuilder builder(0, into(built), 2000);
  for (int i = 0; i < 40; ++i) {
    const std::string entry = compress_entry(*decode_entry(encode_entry(sample(i))), nullptr);
    ASSERT_TRUE(builder.add("videos\0" + sample(i).key.id, entry));
  }
  const SegmentHead head = must(builder.finish());
  std::mt19937 random(3);
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    MemoryBlocks blocks;
    const auto mutate = [&](Section section, std::uint32_t number, bool change) {
      std::string bytes(must(built.blocks->block(section, number)));
      for (int n = 0; change && n < 3; ++n) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      }
      if (change && random() % 4 == 0) bytes.resize(random() % bytes.size());
      blocks.add(section, number, std::move(bytes));
    };
    for (std::uint32_t i = 0; i < head.first_locals.size(); ++i)
      mutate(Section::documents, i, true);
    for (std::uint32_t i = 0; i < head.key_blocks; ++i) mutate(Section::keys, i, true);
    mutate(Section::head, 0, round % 2 == 0);
    const auto mutated = decode_segment_head(must(blocks.block(Section::head, 0)));
    if (!mutated) {
      ++refused;
      continue;
    }
    const Segment segment(std::make_shared<const SegmentHead>(*mutated), blocks);
    for (std::uint32_t local = 0; local < 45; ++local) {
      const auto entry = segment.entry(local);
      Record record;
      if (!entry || !unpack_entry(*entry, nullptr, record)) ++refused;
    }
    SegmentKeys keys(*mutated, blocks);
    for (int n = 0; n < 100; ++n) {
      const auto more = keys.next();
      if (!more || !*more) break;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace jcn
