#include "search_builder.h"

#include "corpora.h"
#include "jcn/check.h"
#include "search_model.h"

namespace jcn {
namespace {

std::string text_of_blocks(const BuiltSearch& built) {
  std::string all;
  for (std::uint8_t section = 1; section <= last_known_section; ++section) {
    for (const std::string& block : built.blocks->blocks(static_cast<Section>(section))) {
      all += std::to_string(section) + ':' + block + '\n';
    }
  }
  return all;
}

TEST(SearchBuilder, SaysWhatTheDocumentsSayAtEveryBlockSize) {
  for (const std::size_t block_bytes : {64UL, 700UL, block_target_bytes}) {
    for (std::uint32_t seed = 1; seed <= 6; ++seed) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", blocks of " << block_bytes);
      const SearchRecords records = RandomDocuments(seed).records(seed * 60, seed);
      const BuiltSearch built = build_search(records, block_bytes);
      ASSERT_NO_FATAL_FAILURE(expect_search(built, records));
    }
  }
}

TEST(SearchBuilder, SameRecordsGiveTheSameBytes) {
  const SearchRecords records = RandomDocuments(7).records(300, 3);
  EXPECT_EQ(text_of_blocks(build_search(records)), text_of_blocks(build_search(records)));
}

TEST(SearchBuilder, PlacesOfSeveralColumnChunks) {
  RandomDocuments random(8);
  SearchRecords records;
  for (unsigned i = 0; i < 2 * column_chunk + 100; ++i) {
    SearchRecord& record = records[{"videos", std::to_string(100'000 + i)}];
    // "late" is only in the last chunk, "early" only in the first.
    record.document = "{\"n\":" + std::to_string(i * 7919 % 10'007) + ",\"t\":[\"x" +
                      std::to_string(i % 3) + "\",\"y\"]" +
                      (i > 2 * column_chunk ? ",\"late\":1"
                       : i < 5              ? ",\"early\":1"
                                            : "") +
                      "}";
  }
  const BuiltSearch built = build_search(records);
  ASSERT_NO_FATAL_FAILURE(expect_search(built, records));
  const SearchOutline& outline = *built.outline;
  const SegmentKind& kind = *outline.kind("videos");
  EXPECT_EQ(outline.field(kind, "/late")->column.size(), 3U);
  EXPECT_EQ(outline.field(kind, "/late")->column[0].length, 0U);
  EXPECT_EQ(outline.field(kind, "/early")->column.size(), 1U);
}

TEST(SearchBuilder, KindsOfOrphansAlone) {
  SearchRecords records;
  records[{"a", "1"}] = {};
  records[{"a", "2"}] = {};
  records[{"b", "1"}].document = "{}";
  records[{"c", "1"}] = {};
  const BuiltSearch built = build_search(records);
  ASSERT_NO_FATAL_FAILURE(expect_search(built, records));
  EXPECT_EQ(built.outline->fields.size(), 2U);  // the times of b's
}

TEST(SearchBuilder, NoRecordsAtAll) {
  const BuiltSearch built = build_search({});
  EXPECT_EQ(built.outline->records(), 0U);
  EXPECT_EQ(built.outline->kind("videos"), nullptr);
  EXPECT_EQ(must(built.search().lower_bound_key("x")), 0U);
}

TEST(SearchBuilder, TenThousandFieldsAndHugeValues) {
  std::string wide = "{";
  for (int i = 0; i < 10'000; ++i) {
    wide += (i ? ",\"" : "\"") + std::to_string(i) + "\":\"word " + std::to_string(i % 10) + "\"";
  }
  const std::string huge(300'000, 'z');
  const std::string digits(5'000, '7');
  SearchRecords records;
  records[{"videos", "a"}].document = wide + "}";
  records[{"videos", "b"}].document =
      "{\"0\":\"" + huge + "\",\"1\":\"" + huge + "y\",\"2\":" + digits + ",\"3\":" + digits + "1}";
  records[{"videos", "c"}].document = "{\"0\":\"" + huge + "\",\"2\":" + digits + ".0}";
  const BuiltSearch built = build_search(records);
  ASSERT_NO_FATAL_FAILURE(expect_search(built, records));
  const SegmentSearch search = built.search();
  const SegmentField& field = *built.outline->field(*built.outline->kind("videos"), "/0");
  const auto entry = must(search.find(field, string_key(huge)));
  ASSERT_TRUE(entry);
  EXPECT_EQ(places_of(search, field, *entry), (SearchModel::Places{1, 2}));
  for (const std::string& block : built.blocks->blocks(Section::values)) {
    EXPECT_LE(block.size(), sorted_block_bytes);
  }
}

TEST(SearchBuilder, RealDocuments) {
  JCN_CORPUS_OR_SKIP(folder, "pyvideo");
  SearchRecords records;
  unsigned files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json" || ++files % 40 != 0) continue;
    const auto checked = check_fragment(file_bytes(entry.path()), Limits{});
    const auto* document = std::get_if<std::string>(&checked);
    if (!document) continue;
    records[{"videos", std::to_string(files)}] = {*document, files * 1000, files * 1000 + 7};
  }
  ASSERT_GT(records.size(), 100U);
  ASSERT_NO_FATAL_FAILURE(expect_search(build_search(records), records));
}

}  // namespace
}  // namespace jcn
