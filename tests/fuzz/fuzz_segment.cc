// The searchable part of a segment with damaged blocks: every read gives an error or something
// within its bounds. The first byte says how the blocks are made: a whole segment's, changed as the
// input says (section, block, place, value, …), or the input itself.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "encoding.h"
#include "property.h"
#include "search_builder.h"
#include "segment_builder.h"
#include "segment_search.h"

namespace {

using jcn::Section;

constexpr Section sections[] = {Section::keys, Section::outline, Section::values, Section::postings,
                                Section::columns};

struct Whole {
  jcn::SegmentHead head;
  jcn::MemoryBlocks blocks;
};

// Small blocks, so that there are several of each section.
Whole whole_segment() {
  Whole made;
  const auto sink = [&](Section section, std::uint32_t number, std::string payload) {
    if (section != Section::documents) made.blocks.add(section, number, std::move(payload));
    return jcn::Result<void>();
  };
  jcn::SegmentBuilder keys(0, sink, 60);
  jcn::SearchBuilder search;
  for (std::uint32_t i = 0; i < 7; ++i) {
    const std::string kind = i < 2 ? "people" : "videos";
    const std::string number = std::to_string(100 + i);
    PROPERTY(keys.add(kind + '\0' + "id" + number, {}).ok());
    const std::string document = R"({"title":"word)" + number + R"( common words","tags":["a",")" +
                                 number + R"("],"n":)" + number + R"(,"o":{"x":[1,{"y":null}]}})";
    search.add(kind, i, i == 3 ? std::nullopt : std::optional<std::string_view>(document), i,
               i);
  }
  made.head = *keys.finish();
  PROPERTY(search.write(sink, keys.key_begins(), 100).ok());
  return made;
}

void read_kind(const jcn::SegmentSearch& search, const jcn::SegmentKind& kind) {
  const jcn::SearchOutline& outline = search.outline();
  PROPERTY(kind.first <= kind.end && kind.end_field <= outline.fields.size());
  const std::uint32_t places = kind.end - kind.first;
  for (std::uint32_t number = kind.first_field; number < kind.end_field; ++number) {
    const jcn::SegmentField& field = outline.fields[number];
    const bool words = field.path == jcn::text_field;
    jcn::DictionaryCursor cursor = search.dictionary(field);
    std::string last;
    for (auto more = cursor.seek(""); more && *more; more = cursor.next()) {
      PROPERTY(cursor.entry().ordinal < field.end_value - field.first_value);
      const auto bytes = search.postings(cursor.entry());
      if (!bytes) continue;
      std::int64_t before = -1;
      jcn::PostingReader postings(*bytes, places, words);
      while (postings.next()) {
        PROPERTY(postings.place() < places && postings.place() > before);
        before = postings.place();
      }
      jcn::PlaceSet set(places);
      if (search.add_places(field, cursor.entry(), set)) PROPERTY(set.count() <= places);
      last = cursor.key();
    }
    static_cast<void>(search.find(field, last));
    static_cast<void>(search.lower_bound(field, last + "x"));
    static_cast<void>(cursor.seek_ordinal(1));
    for (std::uint32_t first = 0; first < places; first += jcn::column_chunk) {
      const auto column = search.column(field, first / jcn::column_chunk);
      if (!column) continue;
      for (std::uint32_t place = 0; place < std::min(places - first, jcn::column_chunk); ++place) {
        std::int64_t smallest = -1, largest = -1;
        column->for_each(place, [&](std::uint32_t ordinal) {
          if (smallest < 0) smallest = ordinal;
          largest = ordinal;
        });
        PROPERTY(column->smallest(place) == smallest && column->largest(place) == largest);
      }
    }
  }
}

void read_all(jcn::BlockSource& blocks, const jcn::SegmentHead& head) {
  const auto outline = jcn::SearchOutline::read(blocks, head);
  if (!outline) return;
  const jcn::SegmentSearch search(*outline, blocks);
  for (const jcn::SegmentKind& kind : (*outline)->kinds) read_kind(search, kind);
  for (std::uint32_t local = 0; local < head.records; ++local) {
    const auto key = search.key_of(local);
    if (key) static_cast<void>(search.lower_bound_key(*key));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Whole whole = whole_segment();
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  jcn::MemoryBlocks blocks;
  if (data[0] % 2 == 0) {
    std::vector<std::vector<std::string>> payloads;
    for (const Section section : sections) payloads.push_back(whole.blocks.blocks(section));
    for (; rest.size() >= 4; rest.remove_prefix(4)) {
      auto& section = payloads[static_cast<unsigned char>(rest[0]) % payloads.size()];
      if (section.empty()) continue;
      std::string& payload = section[static_cast<unsigned char>(rest[1]) % section.size()];
      if (payload.empty()) continue;
      payload[static_cast<unsigned char>(rest[2]) % payload.size()] = rest[3];
    }
    for (std::size_t i = 0; i < payloads.size(); ++i) {
      for (std::uint32_t number = 0; number < payloads[i].size(); ++number) {
        blocks.add(sections[i], number, payloads[i][number]);
      }
    }
    read_all(blocks, whole.head);
    return 0;
  }
  jcn::SegmentHead head;
  jcn::ByteReader in(rest);
  head.records = in.varint32() % 64;
  head.key_blocks = 1;
  for (const Section section : sections) blocks.add(section, 0, std::string(in.text()));
  if (in.ok()) read_all(blocks, head);
  return 0;
}
