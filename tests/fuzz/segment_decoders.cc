#include "segment_decoders.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "encoding.h"
#include "property.h"
#include "segment_search.h"

// -----------------------------------------------------------------------------

void fuzz_outline(std::string_view bytes) {
  jcn::ByteReader in(bytes);
  jcn::SegmentHead head;
  head.records = in.varint32();
  head.key_blocks = in.varint32();
  std::string sized;
  const std::string_view rest = in.rest();
  jcn::ByteWriter(sized).u32le(static_cast<std::uint32_t>(rest.size()));
  sized += rest;
  const auto found = jcn::decode_outline(view_of(block_of(sized)), head);
  if (!found) return;
  const std::string encoded = jcn::encode_outline(*found);
  const auto again = jcn::decode_outline(encoded, head);
  PROPERTY(again && jcn::encode_outline(*again) == encoded);
  PROPERTY(again->kinds.size() == found->kinds.size() && again->uses == found->uses);
  PROPERTY(again->key_blocks == found->key_blocks && again->value_blocks == found->value_blocks);
  PROPERTY(again->records() == head.records && again->values() == found->values());
}

namespace {

struct Postings {
  std::vector<std::uint32_t> places, payloads;
  bool ok = true;
  bool operator==(const Postings&) const = default;
};

Postings all_postings(std::string_view bytes, std::uint32_t range, bool with_payloads) {
  Postings found;
  jcn::PostingReader reader(bytes, range, with_payloads);
  while (reader.next()) {
    PROPERTY(reader.place() < range);
    PROPERTY(found.places.empty() || found.places.back() < reader.place());
    found.places.push_back(reader.place());
    if (with_payloads) found.payloads.push_back(reader.payload());
  }
  PROPERTY(!reader.next());
  found.ok = reader.ok();
  return found;
}

void sets(const jcn::PlaceSet& set, const std::vector<std::uint32_t>& places) {
  PROPERTY(set.count() == places.size() && set.none() == places.empty());
  auto next = places.begin();
  set.for_each([&](std::uint32_t place) { PROPERTY(next != places.end() && place == *next++); });
  jcn::PlaceSet others = set;
  others.invert();
  PROPERTY(others.count() == set.size() - places.size() && others.count_common(set) == 0);
  PROPERTY((jcn::PlaceSet(others) |= set) == jcn::PlaceSet(set.size(), true));
  PROPERTY((jcn::PlaceSet(others) &= set).none());
  PROPERTY(jcn::PlaceSet(set.size(), true).subtract(others) == set);
  for (std::uint32_t place = set.next(0), i = 0; i < places.size(); place = set.next(place + 1)) {
    PROPERTY(place == places[i++]);
  }
}

}  // namespace

void fuzz_postings(std::string_view bytes) {
  jcn::ByteReader in(bytes);
  const std::uint32_t range = in.varint32() % 1'000;
  const bool with_payloads = in.u8() % 2 == 1;
  const Block block = block_of(in.rest());
  const std::string_view list = view_of(block);
  const Postings found = all_postings(list, range, with_payloads);
  jcn::PlaceSet exact(range), roomy(range + 70);
  const bool added = jcn::add_postings(list, range, with_payloads, exact);
  PROPERTY(jcn::add_postings(list, range, with_payloads, roomy) == added);
  PROPERTY(with_payloads ? added || !found.ok : added == found.ok);
  if (!found.ok || found.places.empty()) return;  // nothing is never written
  PROPERTY(roomy.count() == exact.count());
  sets(exact, found.places);
  const std::string encoded = jcn::encode_postings(found.places, found.payloads, range);
  PROPERTY(all_postings(encoded, range, with_payloads) == found);
}

namespace {

// Of 64 places at once what each of them says. No range goes beyond the largest ordinal that a
// dense chunk has room for.
void inside(const jcn::ColumnChunkView& view, std::uint32_t places) {
  const std::uint32_t middle = places == 0 ? 0 : view.dense_ordinal(places / 2);
  for (const std::uint32_t begin : {0U, middle, std::max(middle, 1U) - 1}) {
    for (const std::uint32_t size : {0U, 1U, 300U}) {
      if (begin >= UINT32_MAX - size) continue;
      for (std::uint32_t first = 0; first < places; first += 64) {
        const std::uint64_t bits = view.dense_inside(first, begin, size);
        for (std::uint32_t i = 0; i < 64; ++i) {
          const std::int64_t ordinal = first + i < places ? view.smallest(first + i) : -1;
          const bool within =
              ordinal >= begin && ordinal < std::int64_t{begin} + std::int64_t{size};
          PROPERTY((bits >> i & 1) == within);
        }
      }
    }
  }
}

struct Cells {
  jcn::ColumnChunk chunk;
  explicit Cells(const jcn::ColumnChunkView& view, std::uint32_t places) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> one_by_one, at_once;
    for (std::uint32_t place = 0; place < places; ++place) {
      const std::size_t begin = chunk.ordinals.size();
      view.for_each(place, [&](std::uint32_t ordinal) {
        chunk.ordinals.push_back(ordinal);
        one_by_one.emplace_back(place, ordinal);
      });
      const bool any = begin < chunk.ordinals.size();
      PROPERTY(view.smallest(place) == (any ? std::int64_t{chunk.ordinals[begin]} : -1));
      PROPERTY(view.largest(place) == (any ? std::int64_t{chunk.ordinals.back()} : -1));
      if (view.dense())
        PROPERTY(view.dense_ordinal(place) == (any ? chunk.ordinals[begin] + 1 : 0));
      chunk.ends.push_back(static_cast<std::uint32_t>(chunk.ordinals.size()));
    }
    view.for_each_present(
        [&](std::uint32_t place, std::uint32_t ordinal) { at_once.emplace_back(place, ordinal); });
    PROPERTY(one_by_one == at_once);
    if (view.dense()) inside(view, places);
  }
};

// Mostly few, as many take time; the largest that there may be, and one more.
std::uint32_t column_places(std::uint32_t number) {
  const std::uint32_t places = number % 320;
  return places < 318 ? places : jcn::column_chunk + places - 318;
}

}  // namespace

void fuzz_column(std::string_view bytes) {
  jcn::ByteReader in(bytes);
  const std::uint32_t places = column_places(in.varint32());
  const Block block = block_of(in.rest());
  const auto view = jcn::ColumnChunkView::open(view_of(block), places);
  if (!view) return;
  PROPERTY(places <= jcn::column_chunk || block.empty());
  const Cells cells(*view, std::min(places, jcn::column_chunk));
  const std::string encoded = jcn::encode_column_chunk(cells.chunk);
  PROPERTY(encoded.empty() == cells.chunk.ordinals.empty());
  const auto again = jcn::ColumnChunkView::open(encoded, std::min(places, jcn::column_chunk));
  PROPERTY(again.has_value());
  const Cells same(*again, std::min(places, jcn::column_chunk));
  PROPERTY(same.chunk.ends == cells.chunk.ends && same.chunk.ordinals == cells.chunk.ordinals);
}

void fuzz_front_coded(std::string_view bytes) {
  const Block block = block_of(bytes);
  std::set<std::string> keys;
  jcn::FrontCodedReader reader(view_of(block));
  while (reader.next()) keys.insert(reader.key());
  PROPERTY(!reader.next());
  for (std::uint32_t whole = 0; whole < std::min(reader.whole_keys(), 20U); ++whole) {
    const auto key = reader.whole_key(whole);
    jcn::FrontCodedReader other(view_of(block));
    if (key) PROPERTY(other.go_to(whole) && other.next() && other.key() == *key);
  }
  jcn::FrontCodedWriter writer;
  PROPERTY(writer.empty());
  std::vector<std::string_view> written;
  for (const std::string& key : keys) {
    if (!writer.has_room(key.size(), jcn::block_target_bytes)) break;
    writer.add(key);
    written.push_back(key);
  }
  const std::string encoded = writer.take();
  jcn::FrontCodedReader again(encoded);
  for (std::uint32_t i = 0; i < written.size(); ++i) {
    PROPERTY(again.next() && again.key() == written[i]);
    if (i % jcn::whole_key_interval == 0) {
      PROPERTY(again.whole_key(i / jcn::whole_key_interval) == written[i]);
    }
  }
  PROPERTY(!again.next() && again.ok());
}

// Document blocks behind a head; entries are compressed and unpacked again.
void fuzz_documents(std::string_view bytes) {
  jcn::ByteReader in(bytes);
  const std::string head_bytes(in.text());
  const auto head = jcn::decode_segment_head(head_bytes);
  if (!head) return;
  const auto head_again = jcn::decode_segment_head(jcn::encode_segment_head(*head));
  PROPERTY(head_again && head_again->first_locals == head->first_locals);
  jcn::MemoryBlocks blocks;
  for (std::uint32_t i = 0; i < 3 && in.ok(); ++i) {
    blocks.add(jcn::Section::documents, i, std::string(in.text()));
  }
  const jcn::Segment segment(std::make_shared<const jcn::SegmentHead>(*head), blocks);
  PROPERTY(!segment.entry(head->records));
  for (std::uint32_t local = 0; local < std::min(head->records, 10U); ++local) {
    const auto entry = segment.entry(local);
    if (!entry || entry->raw_size > (1U << 20)) continue;
    jcn::Record record;
    const bool unpacked = jcn::unpack_entry(*entry, nullptr, record);
    const auto strings = jcn::entry_strings(*entry, nullptr);
    PROPERTY(strings || !unpacked);
    if (!unpacked) continue;
    PROPERTY(record.fragments.size() == entry->fragments);
    const std::string written = jcn::encode_entry(record);
    const auto rewritten = jcn::decode_entry(written);
    jcn::Record same_record;
    PROPERTY(rewritten && jcn::unpack_entry(*rewritten, nullptr, same_record));
    PROPERTY(same_record.fragments == record.fragments && same_record.rev == record.rev);
    const std::string plain = jcn::with_strings(*entry, *strings);
    const auto same = jcn::decode_entry(plain);
    PROPERTY(same && !same->compressed && jcn::entry_document(*same) == record.document);
    PROPERTY(same->created_ns == entry->created_ns && same->updated_ns == entry->updated_ns);
    PROPERTY(same->since_ns == entry->since_ns && record.since_ns == entry->since_ns);
    const std::string packed = jcn::compress_entry(*same, nullptr);
    const auto smaller = jcn::decode_entry(packed);
    jcn::Record again;
    PROPERTY(smaller && jcn::unpack_entry(*smaller, nullptr, again));
    PROPERTY(again.document == record.document && again.fragments == record.fragments);
    PROPERTY(again.seq == record.seq && again.rev == record.rev && again.exists == record.exists);
  }
}
