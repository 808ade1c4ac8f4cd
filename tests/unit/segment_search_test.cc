#include "segment_search.h"

#include <algorithm>

#include "search_model.h"

namespace jcn {
namespace {

struct Fixture {
  SearchRecords records;
  BuiltSearch built;
};

Fixture random_segment(std::uint32_t seed, unsigned count, unsigned kinds,
                       std::size_t block_bytes) {
  Fixture made{RandomDocuments(seed).records(count, kinds), {}};
  made.built = build_search(made.records, block_bytes);
  return made;
}

std::vector<std::string> keys_of(const SegmentSearch& search, const SegmentField& field) {
  std::vector<std::string> keys;
  DictionaryCursor cursor = search.dictionary(field);
  while (must(cursor.next())) keys.push_back(cursor.key());
  return keys;
}

// Keys that are there, and some beside them.
std::vector<std::string> keys_to_seek(const std::vector<std::string>& keys) {
  std::vector<std::string> sought = {"", std::string(1, '\x00'), "\xff", "\x40\xff\xff"};
  for (const std::string& key : keys) {
    sought.push_back(key);
    sought.push_back(key + '\0');
    sought.push_back(key + '\xff');
    sought.push_back(key.substr(0, key.size() / 2));
  }
  return sought;
}

TEST(SegmentSearch, SeeksAsASortedListDoes) {
  for (const std::size_t block_bytes : {80UL, 600UL, block_target_bytes}) {
    SCOPED_TRACE(block_bytes);
    const Fixture made = random_segment(21, 250, 3, block_bytes);
    const SegmentSearch search = made.built.search();
    for (const SegmentField& field : search.outline().fields) {
      const std::vector<std::string> keys = keys_of(search, field);
      ASSERT_EQ(keys.size(), field.end_value - field.first_value);
      ASSERT_TRUE(std::is_sorted(keys.begin(), keys.end()));
      DictionaryCursor cursor = search.dictionary(field);
      for (const std::string& sought : keys_to_seek(keys)) {
        const auto wanted = std::lower_bound(keys.begin(), keys.end(), sought);
        const auto ordinal = static_cast<std::uint64_t>(wanted - keys.begin());
        ASSERT_EQ(must(search.lower_bound(field, sought)), ordinal);
        const auto found = must(search.find(field, sought));
        ASSERT_EQ(found.has_value(), wanted != keys.end() && *wanted == sought);
        ASSERT_EQ(must(cursor.seek(sought)), wanted != keys.end());
        if (wanted == keys.end()) {
          ASSERT_FALSE(must(cursor.next()));
          continue;
        }
        ASSERT_EQ(cursor.key(), *wanted);
        ASSERT_EQ(cursor.entry().ordinal, ordinal);
        // It goes on from there.
        ASSERT_EQ(must(cursor.next()), wanted + 1 != keys.end());
        if (wanted + 1 != keys.end()) {
          ASSERT_EQ(cursor.key(), *(wanted + 1));
        }
      }
    }
  }
}

TEST(SegmentSearch, SeeksOrdinalsInAnyOrder) {
  const Fixture made = random_segment(22, 300, 2, 400);
  const SegmentSearch search = made.built.search();
  std::mt19937 random(5);
  for (const SegmentField& field : search.outline().fields) {
    const std::vector<std::string> keys = keys_of(search, field);
    DictionaryCursor cursor = search.dictionary(field);
    for (int i = 0; i < 200; ++i) {
      const std::uint64_t ordinal = random() % (keys.size() + 2);
      ASSERT_EQ(must(cursor.seek_ordinal(ordinal)), ordinal < keys.size());
      if (ordinal >= keys.size()) continue;
      ASSERT_EQ(cursor.key(), keys[ordinal]);
      ASSERT_EQ(cursor.entry().ordinal, ordinal);
    }
  }
}

TEST(SegmentSearch, KeysOfRecordsInAnyOrder) {
  for (const std::size_t block_bytes : {64UL, 500UL, block_target_bytes}) {
    SCOPED_TRACE(block_bytes);
    const Fixture made = random_segment(23, 400, 4, block_bytes);
    const SegmentSearch search = made.built.search();
    std::vector<std::string> keys;
    for (const auto& [key, record] : made.records) keys.push_back(record_key_bytes(key));
    std::mt19937 random(6);
    for (int i = 0; i < 2000; ++i) {
      const auto local = static_cast<std::uint32_t>(random() % keys.size());
      ASSERT_EQ(must(search.key_of(local)), keys[local]);
    }
    for (const std::string& sought : keys_to_seek(keys)) {
      const auto wanted = std::lower_bound(keys.begin(), keys.end(), sought) - keys.begin();
      ASSERT_EQ(must(search.lower_bound_key(sought)), static_cast<std::uint32_t>(wanted));
    }
    const auto beyond = search.key_of(static_cast<std::uint32_t>(keys.size()));
    ASSERT_FALSE(beyond);
    EXPECT_EQ(beyond.error().code, Code::index_damaged);
  }
}

// Asked in order, a block of keys is read from its begin once, not once per key.
TEST(SegmentSearch, KeysInOrderTakeEachBlockOnce) {
  class Counting : public BlockSource {
   public:
    explicit Counting(BlockSource& source) : source_(source) {}
    Result<std::string_view> block(Section section, std::uint32_t number) override {
      ++asked[section];
      return source_.block(section, number);
    }
    std::map<Section, std::size_t> asked;

   private:
    BlockSource& source_;
  };
  const Fixture made = random_segment(24, 400, 1, 500);
  Counting counting(*made.built.blocks);
  const SegmentSearch search(made.built.outline, counting);
  for (std::uint32_t local = 0; local < 400; ++local) must(search.key_of(local));
  EXPECT_EQ(counting.asked[Section::keys], made.built.outline->key_blocks.size());
  counting.asked.clear();
  const SearchOutline& outline = search.outline();
  const SegmentField* text = outline.field(outline.kinds[0], text_field);
  ASSERT_TRUE(text);
  must(search.find(*text, "the"));
  EXPECT_EQ(counting.asked[Section::values], 1U);
}

TEST(SegmentSearch, OutlineIsWhatItWasBeforeItWasBytes) {
  const Fixture made = random_segment(25, 200, 3, 300);
  const SearchOutline& outline = *made.built.outline;
  const std::string bytes = encode_outline(outline);
  const auto again = decode_outline(bytes, made.built.head);
  ASSERT_TRUE(again);
  EXPECT_EQ(encode_outline(*again), bytes);
  EXPECT_EQ(again->key_blocks, outline.key_blocks);
  EXPECT_EQ(again->value_blocks, outline.value_blocks);
  EXPECT_EQ(again->uses, outline.uses);
  // What follows is a later version's; the length tells that it belongs to the outline.
  std::string longer = bytes + "later";
  std::string length;
  ByteWriter(length).u32le(static_cast<std::uint32_t>(longer.size() - 4));
  EXPECT_TRUE(decode_outline(longer.replace(0, 4, length), made.built.head));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(decode_outline(bytes.substr(0, size), made.built.head)) << size;
    length.clear();
    if (size < 4) continue;
    ByteWriter(length).u32le(static_cast<std::uint32_t>(size - 4));
    ASSERT_FALSE(decode_outline(length + bytes.substr(4, size - 4), made.built.head)) << size;
  }
  SegmentHead other = made.built.head;
  ++other.records;
  EXPECT_FALSE(decode_outline(bytes, other));
}

TEST(SegmentSearch, OutlinesThatMakeNoSenseAreRefused) {
  const Fixture made = random_segment(28, 200, 3, 300);
  const auto accepted = [&](auto change) {
    SearchOutline outline = *made.built.outline;
    change(outline);
    return decode_outline(encode_outline(outline), made.built.head).has_value();
  };
  const auto two_fields = [](const WordUses& uses) { return uses.size() > 1; };
  EXPECT_TRUE(accepted([](SearchOutline&) {}));
  EXPECT_FALSE(accepted(
      [](SearchOutline& outline) { std::swap(outline.kinds[0].name, outline.kinds[1].name); }));
  EXPECT_FALSE(accepted(
      [](SearchOutline& outline) { std::swap(outline.fields[0].path, outline.fields[1].path); }));
  EXPECT_FALSE(accepted([](SearchOutline& outline) { outline.fields[0].end_value = 0; }));
  EXPECT_FALSE(accepted([](SearchOutline& outline) { outline.fields[0].column.resize(2); }));
  EXPECT_FALSE(accepted([](SearchOutline& outline) { ++outline.kinds.back().end; }));
  EXPECT_FALSE(accepted([](SearchOutline& outline) { outline.kinds[0].end = 0; }));
  EXPECT_FALSE(accepted([&](SearchOutline& outline) {
    WordUses& uses = *std::find_if(outline.uses.begin(), outline.uses.end(), two_fields);
    std::swap(uses[0].field, uses[1].field);
  }));
  EXPECT_FALSE(accepted([](SearchOutline& outline) {
    outline.uses[0].back().field = static_cast<std::uint32_t>(outline.fields.size());
  }));
  EXPECT_FALSE(accepted([](SearchOutline& outline) { outline.key_blocks.pop_back(); }));
  EXPECT_FALSE(accepted([](SearchOutline& outline) { outline.value_blocks[0].first = 1; }));
  EXPECT_FALSE(accepted([](SearchOutline& outline) {
    outline.value_blocks[2].first = outline.value_blocks[1].first;
  }));
  EXPECT_FALSE(accepted(
      [](SearchOutline& outline) { outline.value_blocks.back().first = outline.values(); }));
  EXPECT_FALSE(accepted([](SearchOutline& outline) { outline.value_blocks.clear(); }));
}

TEST(SegmentSearch, PiecesBeyondTheirBlockAreDamage) {
  const Fixture made = random_segment(29, 200, 1, block_target_bytes);
  auto outline = std::make_shared<SearchOutline>(*made.built.outline);
  const auto with_column =
      std::find_if(outline->fields.begin(), outline->fields.end(),
                   [](const SegmentField& field) { return !field.column.empty(); });
  ASSERT_NE(with_column, outline->fields.end());
  const PieceRef right = with_column->column[0];
  const auto size =
      static_cast<std::uint32_t>(made.built.blocks->blocks(Section::columns)[0].size());
  const SegmentSearch search(outline, *made.built.blocks);
  const auto damaged_with = [&](PieceRef piece) {
    with_column->column[0] = piece;
    const auto view = search.column(*with_column, 0);
    return !view && view.error().code == Code::index_damaged;
  };
  EXPECT_FALSE(damaged_with(right));
  EXPECT_TRUE(damaged_with({right.block + 1, right.offset, right.length}));
  EXPECT_TRUE(damaged_with({right.block, size, right.length}));
  EXPECT_TRUE(damaged_with({right.block, size + 1, 1}));
  EXPECT_TRUE(damaged_with({right.block, UINT32_MAX, UINT32_MAX}));
  EXPECT_TRUE(damaged_with({right.block, right.offset, UINT32_MAX}));
  DictionaryEntry entry;
  entry.postings = {0, 0, UINT32_MAX};
  EXPECT_FALSE(search.postings(entry));
}

TEST(SegmentSearch, FieldsAndKindsThatAreNotThere) {
  const Fixture made = random_segment(26, 50, 2, block_target_bytes);
  const SearchOutline& outline = *made.built.outline;
  EXPECT_EQ(outline.kind(""), nullptr);
  EXPECT_EQ(outline.kind("kind"), nullptr);
  EXPECT_EQ(outline.kind("kind9"), nullptr);
  ASSERT_TRUE(outline.kind("kind1"));
  EXPECT_EQ(outline.field(*outline.kind("kind1"), "/nowhere"), nullptr);
  EXPECT_EQ(outline.field(*outline.kind("kind1"), ""), nullptr);
  EXPECT_EQ(outline.field(*outline.kind("kind1"), "zzz"), nullptr);
}

// Everything there is to ask, of any bytes.
void ask_everything(const SegmentSearch& search, std::mt19937& random) {
  const auto refused = [](const Error& error) { EXPECT_EQ(error.code, Code::index_damaged); };
  const SearchOutline& outline = search.outline();
  for (const SegmentField& field : outline.fields) {
    const SegmentKind& kind = outline.kinds[field.kind];
    const std::uint32_t places = kind.end - kind.first;
    DictionaryCursor cursor = search.dictionary(field);
    std::string last;
    while (true) {
      const auto more = cursor.next();
      if (!more) refused(more.error());
      if (!more || !*more) break;
      last = cursor.key();
      PlaceSet set(places);
      const auto added = search.add_places(field, cursor.entry(), set);
      if (!added) refused(added.error());
    }
    for (const std::string& key : {last, last.substr(0, last.size() / 2), last + "x"}) {
      const auto found = search.find(field, key);
      if (!found) refused(found.error());
      const auto bound = search.lower_bound(field, key);
      if (!bound) refused(bound.error());
    }
    const auto there = cursor.seek_ordinal(random() % (field.end_value - field.first_value));
    if (!there) refused(there.error());
    for (std::uint32_t chunk = 0; chunk <= places / column_chunk + 1; ++chunk) {
      const auto view = search.column(field, chunk);
      if (!view) refused(view.error());
      if (!view || chunk * column_chunk >= places) continue;
      const std::uint32_t covered = std::min(places - chunk * column_chunk, column_chunk);
      for (std::uint32_t place = 0; place < covered; ++place) {
        view->smallest(place);
        view->largest(place);
        view->for_each(place, [](std::uint32_t) {});
      }
    }
  }
  for (int i = 0; i < 20; ++i) {
    const auto key = search.key_of(static_cast<std::uint32_t>(random() % (outline.records() + 1)));
    if (!key) refused(key.error());
    const auto bound = search.lower_bound_key(key ? *key : "kind1");
    if (!bound) refused(bound.error());
  }
}

TEST(SegmentSearch, DamagedBlocksNeverCrash) {
  std::mt19937 random(31);
  int unread = 0;
  for (const std::size_t block_bytes : {90UL, 1000UL, block_target_bytes}) {
    const Fixture made = random_segment(27, 40, 2, block_bytes);
    for (int round = 0; round < 700; ++round) {
      MemoryBlocks blocks;
      for (std::uint8_t number = 1; number <= last_known_section; ++number) {
        const auto section = static_cast<Section>(number);
        for (std::string bytes : made.built.blocks->blocks(section)) {
          for (auto n = random() % 4; n > 0 && !bytes.empty(); --n) {
            if (section == Section::outline && random() % 3 != 0) continue;
            char& byte = bytes[random() % bytes.size()];
            byte = random() % 2 == 0 ? static_cast<char>(random())
                                     : static_cast<char>(byte ^ (1 << random() % 8));
          }
          if (random() % 200 == 0) bytes.resize(random() % (bytes.size() + 1));
          if (random() % 400 == 0) continue;  // a block is missing
          blocks.add(section, static_cast<std::uint32_t>(blocks.blocks(section).size()),
                     std::move(bytes));
        }
      }
      const auto outline = SearchOutline::read(blocks, made.built.head);
      if (!outline) {
        EXPECT_EQ(outline.error().code, Code::index_damaged);
        ++unread;
        continue;
      }
      ask_everything(SegmentSearch(*outline, blocks), random);
    }
  }
  EXPECT_GT(unread, 100);
  EXPECT_LT(unread, 2000);
}

}  // namespace
}  // namespace jcn
