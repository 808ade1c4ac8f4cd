#include "search_merge.h"

#include <algorithm>

#include "search_model.h"

namespace jcn {
namespace {

// A segment with its records, of which some are dead.
struct Part {
  SearchRecords records;
  BuiltSearch built;
  std::set<RecordKey> dead;
  SearchRecords living() const {
    SearchRecords left = records;
    std::erase_if(left, [this](const auto& entry) { return dead.contains(entry.first); });
    return left;
  }
};

Part part_of(SearchRecords records, std::size_t block_bytes) {
  Part part;
  part.built = build_search(records, block_bytes);
  part.records = std::move(records);
  return part;
}

// What merge.cc does, without documents.
Part merge(const std::vector<Part>& parts, std::size_t block_bytes) {
  Part merged;
  for (const Part& part : parts) merged.records.merge(part.living());
  std::map<RecordKey, std::uint32_t> locals;
  SegmentBuilder segment(0, into(*merged.built.blocks), block_bytes);
  for (const auto& [key, record] : merged.records) {
    locals[key] = segment.next_local();
    must(segment.add(record_key_bytes(key), {}));
  }
  merged.built.head = must(segment.finish());
  std::vector<SegmentSearch> searches;
  searches.reserve(parts.size());
  std::vector<MergeInput> inputs;
  for (const Part& part : parts) {
    searches.push_back(part.built.search());
    MergeInput input;
    input.search = &searches.back();
    for (const auto& [key, record] : part.records) {
      input.new_local.push_back(part.dead.contains(key) ? MergeInput::none : locals.at(key));
    }
    inputs.push_back(std::move(input));
  }
  must(merge_search(inputs, into(*merged.built.blocks), segment.key_begins(), block_bytes));
  merged.built.outline = must(SearchOutline::read(*merged.built.blocks, merged.built.head));
  return merged;
}

void expect_same_bytes(const BuiltSearch& merged, const BuiltSearch& built) {
  for (const Section section :
       {Section::keys, Section::outline, Section::values, Section::postings, Section::columns}) {
    SCOPED_TRACE(static_cast<int>(section));
    ASSERT_EQ(merged.blocks->blocks(section), built.blocks->blocks(section));
  }
}

// Segments come, their records are replaced by later ones or removed, and are merged again and
// again: each merge gives the bytes that the living documents give.
TEST(SearchMerge, GivesTheBytesThatBuildingTheLivingGives) {
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    const std::size_t block_bytes = seed % 3 == 0 ? 300 : block_target_bytes;
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", blocks of " << block_bytes);
    RandomDocuments random(seed);
    std::vector<Part> parts;
    for (int round = 0; round < 12; ++round) {
      Part fresh = part_of(random.records(1 + random.below(120), 1 + random.below(4)), block_bytes);
      for (Part& part : parts) {
        for (const auto& [key, record] : part.records) {
          if (fresh.records.contains(key) || random.below(6) == 0) part.dead.insert(key);
        }
      }
      parts.push_back(std::move(fresh));
      if (parts.size() < 2 + random.below(4)) continue;
      Part merged = merge(parts, block_bytes);
      const BuiltSearch built = build_search(merged.records, block_bytes);
      ASSERT_NO_FATAL_FAILURE(expect_same_bytes(merged.built, built));
      ASSERT_NO_FATAL_FAILURE(expect_search(merged.built, merged.records));
      parts.clear();
      parts.push_back(std::move(merged));
    }
  }
}

// Lists of many places are put in order in another way than short ones.
TEST(SearchMerge, ListsOfManyPlacesOverManySegments) {
  RandomDocuments random(5);
  std::vector<Part> parts;
  for (unsigned n = 0; n < 8; ++n) {
    SearchRecords records;
    for (unsigned i = 0; i < 900; ++i) {
      SearchRecord& record = records[{"videos", std::to_string(100'000 + i * 8 + n)}];
      record.document = "{\"u\":\"" + std::to_string(i * 8 + n) +
                        "\",\"all\":\"the\",\"half\":" + (i % 2 ? "\"of the\"" : "0") +
                        ",\"few\":" + std::to_string(i % 300) + "}";
    }
    parts.push_back(part_of(std::move(records), block_target_bytes));
    for (const auto& [key, record] : parts.back().records) {
      if (random.below(3) == 0) parts.back().dead.insert(key);
    }
  }
  const Part merged = merge(parts, block_target_bytes);
  ASSERT_NO_FATAL_FAILURE(expect_same_bytes(merged.built, build_search(merged.records)));
}

TEST(SearchMerge, WhatOnlyTheDeadHadIsGone) {
  SearchRecords old;
  old[{"a", "1"}].document = R"({"gone":1,"stays":"word"})";
  old[{"a", "2"}].document = R"({"stays":2})";
  old[{"b", "1"}].document = R"({"x":1})";
  std::vector<Part> parts;
  parts.push_back(part_of(old, block_target_bytes));
  parts[0].dead = {{"a", "1"}, {"b", "1"}};
  const Part merged = merge(parts, block_target_bytes);
  const SearchOutline& outline = *merged.built.outline;
  EXPECT_EQ(outline.kind("b"), nullptr);
  const SegmentKind* kind = outline.kind("a");
  ASSERT_TRUE(kind);
  EXPECT_EQ(outline.field(*kind, "/gone"), nullptr);
  EXPECT_EQ(outline.field(*kind, text_field), nullptr);
  EXPECT_TRUE(outline.uses.empty());
  EXPECT_EQ(kind->tokens, 0U);
  ASSERT_NO_FATAL_FAILURE(expect_search(merged.built, merged.records));
}

TEST(SearchMerge, NothingLivingGivesAnEmptySegment) {
  std::vector<Part> parts;
  parts.push_back(part_of(RandomDocuments(3).records(20, 2), block_target_bytes));
  for (const auto& [key, record] : parts[0].records) parts[0].dead.insert(key);
  const Part merged = merge(parts, block_target_bytes);
  EXPECT_EQ(merged.built.outline->records(), 0U);
  ASSERT_NO_FATAL_FAILURE(expect_same_bytes(merged.built, build_search({})));
}

// A damaged segment makes an error or a segment, never a crash.
TEST(SearchMerge, DamagedBlocksNeverCrash) {
  const Part part = part_of(RandomDocuments(9).records(60, 2), 500);
  std::mt19937 random(11);
  int refused = 0;
  for (int round = 0; round < 1500; ++round) {
    MemoryBlocks blocks;
    for (std::uint8_t number = 1; number <= last_known_section; ++number) {
      const auto section = static_cast<Section>(number);
      for (std::string bytes : part.built.blocks->blocks(section)) {
        const bool change = section != Section::head && random() % 3 == 0;
        if (change && !bytes.empty()) bytes[random() % bytes.size()] = static_cast<char>(random());
        blocks.add(section, static_cast<std::uint32_t>(blocks.blocks(section).size()),
                   std::move(bytes));
      }
    }
    const auto outline = SearchOutline::read(blocks, part.built.head);
    if (!outline) {
      ++refused;
      continue;
    }
    const SegmentSearch search(*outline, blocks);
    MergeInput input{&search, {}};
    for (std::uint32_t local = 0; local < part.built.head.records; ++local) {
      input.new_local.push_back(local);
    }
    MemoryBlocks merged;
    const auto done = merge_search(std::span(&input, 1), into(merged), {});
    if (!done) {
      EXPECT_EQ(done.error().code, Code::index_damaged);
      ++refused;
    }
  }
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace jcn
