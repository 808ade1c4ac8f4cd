// A segment that is not as it was written: every read of it gives an error or something within its
// bounds, and what a decoder accepts is encoded to bytes that decode to the same. The first byte
// says what the others are: changes of a whole segment's blocks, blocks that are made up, or what
// one decoder reads (segment_decoders.h).
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "encoding.h"
#include "keys.h"
#include "property.h"
#include "search_builder.h"
#include "segment_builder.h"
#include "segment_decoders.h"
#include "segment_search.h"

namespace {

using jcn::Section;

using BlockName = std::pair<Section, std::uint32_t>;
using Blocks = std::map<BlockName, Block>;

// Blocks, some of them in place of others.
class Layered : public jcn::BlockSource {
 public:
  explicit Layered(const Blocks& below) : below_(below) {}
  jcn::Result<std::string_view> block(Section section, std::uint32_t number) override {
    if (const auto found = above.find({section, number}); found != above.end()) {
      return view_of(found->second);
    }
    const auto found = below_.find({section, number});
    if (found == below_.end()) return jcn::damaged("a block is missing");
    return view_of(found->second);
  }
  Blocks above;

 private:
  const Blocks& below_;
};

// --- every read
// -----------------------------------------------------------------------------------

void read_postings(const jcn::SegmentSearch& search, const jcn::SegmentField& field,
                   const jcn::DictionaryEntry& entry, std::uint32_t places) {
  const auto bytes = search.postings(entry);
  if (!bytes) return;
  std::int64_t before = -1;
  std::uint32_t read = 0;
  jcn::PostingReader postings(*bytes, places, field.path == jcn::text_field);
  for (; postings.next(); ++read) {
    PROPERTY(postings.place() < places && postings.place() > before);
    before = postings.place();
  }
  jcn::PlaceSet set(places);
  const auto added = search.add_places(field, entry, set);
  if (added) PROPERTY(set.count() <= places);
  if (postings.ok()) PROPERTY(added.ok() && set.count() == read);
}

void read_column(const jcn::SegmentSearch& search, const jcn::SegmentField& field,
                 std::uint32_t places) {
  constexpr std::uint32_t looked_at = 64;  // from each end of a chunk
  for (std::uint32_t first = 0; first < places; first += jcn::column_chunk) {
    const auto column = search.column(field, first / jcn::column_chunk);
    if (!column) continue;
    const std::uint32_t end = std::min(places - first, jcn::column_chunk);
    for (std::uint32_t place = 0; place < end; ++place) {
      if (place == looked_at && end > 2 * looked_at) place = end - looked_at;
      std::int64_t smallest = -1, largest = -1;
      column->for_each(place, [&](std::uint32_t ordinal) {
        if (smallest < 0) smallest = ordinal;
        largest = ordinal;
      });
      PROPERTY(column->smallest(place) == smallest && column->largest(place) == largest);
    }
  }
}

void read_field(const jcn::SegmentSearch& search, const jcn::SegmentField& field) {
  const jcn::SearchOutline& outline = search.outline();
  const jcn::SegmentKind& kind = outline.kinds[field.kind];
  const std::uint32_t places = kind.end - kind.first;
  const std::uint64_t values = field.end_value - field.first_value;
  PROPERTY(outline.field(kind, field.path) == &field);
  jcn::DictionaryCursor cursor = search.dictionary(field);
  std::string last;
  std::uint64_t ordinal = 0;
  auto more = cursor.next();
  for (; more && *more; more = cursor.next()) {
    PROPERTY(cursor.entry().ordinal == ordinal && ordinal < values);
    last = cursor.key();
    ++ordinal;
    read_postings(search, field, cursor.entry(), places);
  }
  PROPERTY(!more || ordinal == values);
  // A damaged table of whole keys may lead astray, but not out of the field.
  if (const auto found = search.find(field, last); found && *found) {
    PROPERTY((*found)->ordinal < values);
  }
  if (const auto found = search.lower_bound(field, last + "x")) PROPERTY(*found <= values);
  if (const auto found = search.lower_bound(field, "")) PROPERTY(*found <= values);
  for (const std::uint64_t wanted : {values / 2, std::uint64_t{0}, values - 1, values}) {
    const auto stands = cursor.seek_ordinal(wanted);
    if (!stands) break;
    PROPERTY(*stands == (wanted < values));
    PROPERTY(!*stands || cursor.entry().ordinal == wanted);
  }
  read_column(search, field, places);
}

void read_keys(const jcn::SegmentSearch& search, jcn::BlockSource& blocks,
               const jcn::SegmentHead& head) {
  jcn::SegmentKeys keys(head, blocks);
  std::uint32_t read = 0;
  auto more = keys.next();
  for (; more && *more; more = keys.next()) {
    PROPERTY(keys.local() == read);
    ++read;
  }
  PROPERTY(!more || read == head.records);
  const std::uint32_t step = std::max(1U, head.records / 16);
  for (std::uint32_t local = 0; local < head.records; local += step) {
    const auto key = search.key_of(local);
    if (!key) continue;
    const auto bound = search.lower_bound_key(*key);
    if (bound) PROPERTY(*bound <= head.records);
  }
  PROPERTY(!search.key_of(head.records));
}

// --- a whole segment, and its changes
// -------------------------------------------------------------

struct Whole {
  jcn::SegmentHead head;
  Blocks blocks;
  std::vector<BlockName> names;
  std::shared_ptr<const jcn::SearchOutline> outline;
  std::map<BlockName, std::set<std::uint32_t>> readers;  // fields whose bytes lie in a block

  void add_readers();
};

// Blocks so small that there are several of each section, and lists so long that they don't stand
// in the dictionary; of all forms that there are.
Whole whole_segment() {
  Whole made;
  const auto sink = [&](Section section, std::uint32_t number, std::string payload) {
    if (section != Section::documents) made.blocks[{section, number}] = block_of(payload);
    return jcn::Result<void>();
  };
  constexpr std::uint32_t people = 3, all = 100;
  jcn::SegmentBuilder keys(0, sink, 150);
  jcn::SearchBuilder search;
  for (std::uint32_t i = 0; i < all; ++i) {
    const std::string kind = i < people ? "people" : "videos";
    const std::string number = std::to_string(100 + i);
    PROPERTY(keys.add(kind + '\0' + "i" + number, {}).ok());
    std::string document = R"({"n":)" + std::to_string(i % 40);
    if (i % 7 == 0) document += R"(,"t":["a",)" + std::to_string(i % 3) + R"(,{"y":null}])";
    if (i % 5 != 0)
      document += R"(,"w":"x)" + std::string(i % 6 == 0 ? " common common" : " common");
    if (i % 5 != 0) document += i % 9 == 0 ? R"( of"})" : R"("})";
    if (i % 5 == 0) document += '}';
    if (i == 50) {
      search.add(kind, i, std::nullopt, 0, 0);
    } else {
      search.add(kind, i, document, i % 2, i % 3);
    }
  }
  made.head = *keys.finish();
  PROPERTY(search.write(sink, keys.key_begins(), 150).ok());
  Layered blocks(made.blocks);
  made.outline = *jcn::SearchOutline::read(blocks, made.head);
  made.add_readers();
  return made;
}

void Whole::add_readers() {
  for (const auto& [name, block] : blocks) {
    if (!block.empty()) names.push_back(name);
  }
  Layered source(blocks);
  const jcn::SegmentSearch search(outline, source);
  for (std::uint32_t number = 0; number < outline->fields.size(); ++number) {
    const jcn::SegmentField& field = outline->fields[number];
    const auto& begins = outline->value_blocks;
    for (std::uint32_t block = 0; block < begins.size(); ++block) {
      const std::uint64_t end =
          block + 1 < begins.size() ? begins[block + 1].first : outline->values();
      if (begins[block].first < field.end_value && end > field.first_value) {
        readers[{Section::values, block}].insert(number);
      }
    }
    for (const jcn::PieceRef& piece : field.column) {
      if (piece.length > 0) readers[{Section::columns, piece.block}].insert(number);
    }
    jcn::DictionaryCursor cursor = search.dictionary(field);
    while (*cursor.next()) {
      if (cursor.entry().inline_postings.empty()) {
        readers[{Section::postings, cursor.entry().postings.block}].insert(number);
      }
    }
  }
}

// Whether one outline says of a field what the other does: reading it gives the same, then.
bool same_field(const jcn::SearchOutline& one, const jcn::SearchOutline& other,
                std::uint32_t number) {
  if (number >= other.fields.size() || one.value_blocks != other.value_blocks ||
      one.values() != other.values()) {
    return false;
  }
  const jcn::SegmentField& a = one.fields[number];
  const jcn::SegmentField& b = other.fields[number];
  const auto pieces = [](const jcn::PieceRef& x, const jcn::PieceRef& y) {
    return x.block == y.block && x.offset == y.offset && x.length == y.length;
  };
  const jcn::SegmentKind& of_a = one.kinds[a.kind];
  const jcn::SegmentKind& of_b = other.kinds[b.kind];
  return a.path == b.path && a.first_value == b.first_value && a.end_value == b.end_value &&
         of_a.end - of_a.first == of_b.end - of_b.first &&
         std::equal(a.column.begin(), a.column.end(), b.column.begin(), b.column.end(), pieces);
}

constexpr unsigned most_changes = 24;  // more only cost time

// (block, place, how, value)*: a byte set, a bit turned, the end cut off, bytes behind it.
void changed_segment(const Whole& whole, std::string_view changes) {
  Layered blocks(whole.blocks);
  bool outline_changed = false, keys_changed = false;
  std::set<std::uint32_t> fields;
  for (unsigned left = most_changes; left > 0 && changes.size() >= 4; --left) {
    const auto number = [&](std::size_t i) { return static_cast<unsigned char>(changes[i]); };
    const BlockName name = whole.names[number(0) % whole.names.size()];
    Block& block = blocks.above.try_emplace(name, whole.blocks.at(name)).first->second;
    const std::size_t place = number(1) % (block.size() + 1);
    switch (number(2) % 4) {
      case 0:
        if (place < block.size()) block[place] = changes[3];
        break;
      case 1:
        if (place < block.size()) block[place] = static_cast<char>(block[place] + changes[3]);
        break;
      case 2:
        block = Block(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(place));
        break;
      default:
        block.insert(block.begin() + static_cast<std::ptrdiff_t>(place), changes[3]);
        block.shrink_to_fit();
    }
    outline_changed = outline_changed || name.first == Section::outline;
    keys_changed = keys_changed || name.first == Section::keys;
    changes.remove_prefix(4);
    if (const auto its = whole.readers.find(name); its != whole.readers.end()) {
      fields.insert(its->second.begin(), its->second.end());
    }
  }
  auto outline = whole.outline;
  if (outline_changed) {
    const auto read = jcn::SearchOutline::read(blocks, whole.head);
    if (!read) return;
    outline = *read;
    for (std::uint32_t i = 0; i < outline->fields.size(); ++i) {
      if (!same_field(*outline, *whole.outline, i)) fields.insert(i);
    }
    while (!fields.empty() && *fields.rbegin() >= outline->fields.size()) {
      fields.erase(*fields.rbegin());
    }
    keys_changed = keys_changed || outline->key_blocks != whole.outline->key_blocks;
  }
  const jcn::SegmentSearch search(outline, blocks);
  for (const std::uint32_t number : fields) read_field(search, outline->fields[number]);
  if (keys_changed) read_keys(search, blocks, whole.head);
}

// One block a section, from the input.
void made_up_segment(std::string_view bytes) {
  static const Blocks none;
  Layered blocks(none);
  jcn::SegmentHead head;
  jcn::ByteReader in(bytes);
  head.records = in.varint32() % 10'000;
  head.key_blocks = 1;
  for (const Section section :
       {Section::keys, Section::outline, Section::values, Section::postings, Section::columns}) {
    blocks.above[{section, 0}] = block_of(in.text());
  }
  if (!in.ok()) return;
  const auto outline = jcn::SearchOutline::read(blocks, head);
  if (!outline) return;
  const jcn::SegmentSearch search(*outline, blocks);
  for (const jcn::SegmentKind& kind : (*outline)->kinds) {
    PROPERTY((*outline)->kind(kind.name) == &kind);
    PROPERTY(kind.first <= kind.end && kind.end_field <= (*outline)->fields.size());
  }
  for (const jcn::SegmentField& field : (*outline)->fields) read_field(search, field);
  read_keys(search, blocks, head);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Whole whole = whole_segment();
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 8) {
    case 1:
      made_up_segment(rest);
      break;
    case 2:
      fuzz_outline(rest);
      break;
    case 3:
      fuzz_postings(rest);
      break;
    case 4:
      fuzz_column(rest);
      break;
    case 5:
      fuzz_front_coded(rest);
      break;
    case 6:
      fuzz_documents(rest);
      break;
    default:  // 0 and 7
      changed_segment(whole, rest);
  }
  return 0;
}
