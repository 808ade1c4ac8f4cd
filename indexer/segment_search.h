// The searchable part of a segment, read: fields, values, postings, columns, words. One reader
// serves segments in memory and in LMDB. Layout and words: doc/format.md.
//
// Places: the records of one kind lie side by side in a segment; a record's place is its local
// number less the kind's first. Orphans have places, and nothing else here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "columns.h"
#include "posting_list.h"
#include "segment.h"
#include "sorted_blocks.h"
#include "value_key.h"

namespace jcn {

// Beside the members' fields, every kind has these. No member's path is one of them.
inline constexpr std::string_view created_field = "_created";  // RFC 3339 strings, nine digits
inline constexpr std::string_view updated_field = "_updated";
inline constexpr std::string_view since_field = "_since";
// Its keys are the tokens of all strings, without a type byte; its postings have payloads: numbers
// of WordUses; its column holds how many tokens each record has.
inline constexpr std::string_view text_field = "_text";

struct SegmentField {
  std::string path;
  std::uint32_t kind = 0;  // in SearchOutline::kinds
  std::uint64_t first_value = 0,
                end_value = 0;   // its entries in the dictionary; ordinal 0 is the first
  bool many = false;             // some record has more than one value here
  std::vector<PieceRef> column;  // per chunk of places
};

struct SegmentKind {
  std::string name;
  std::uint32_t first = 0, end = 0;              // local numbers
  std::uint32_t first_field = 0, end_field = 0;  // in SearchOutline::fields, sorted by path
  std::uint64_t tokens = 0;                      // of all its records
};

// In which fields a word stands how often, in one record: fields ascend.
struct WordUse {
  std::uint32_t field = 0;  // in SearchOutline::fields
  std::uint32_t count = 0;
  auto operator<=>(const WordUse&) const = default;
};
using WordUses = std::vector<WordUse>;

// What is read once and shared by all readers: immutable.
struct SearchOutline {
  std::vector<SegmentKind> kinds;  // by name
  std::vector<SegmentField> fields;
  std::vector<WordUses> uses;            // by payload
  std::vector<BlockBegin> key_blocks;    // of Section::keys, by local number
  std::vector<BlockBegin> value_blocks;  // of Section::values, all dictionaries counted through

  const SegmentKind* kind(std::string_view name) const;
  // Null: no record of the kind has it.
  const SegmentField* field(const SegmentKind& kind, std::string_view path) const;
  std::uint32_t field_number(const SegmentField& field) const {
    return static_cast<std::uint32_t>(&field - fields.data());
  }
  std::uint32_t records() const { return kinds.empty() ? 0 : kinds.back().end; }
  // Entries of all dictionaries.
  std::uint64_t values() const { return fields.empty() ? 0 : fields.back().end_value; }
  static Result<std::shared_ptr<const SearchOutline>> read(BlockSource& source,
                                                           const SegmentHead& head);
};
// The byte string that Section::outline holds, cut into blocks.
std::string encode_outline(const SearchOutline& outline);
// Absent: malformed, or not of a segment with that head.
std::optional<SearchOutline> decode_outline(std::string_view bytes, const SegmentHead& head);

// Goes through a field's dictionary in key order. At first it stands before the first entry; when
// there is none to stand on, behind the last. After an error it is of no more use.
class DictionaryCursor {
 public:
  DictionaryCursor(const SearchOutline& outline, BlockSource& source, const SegmentField& field);
  // Stands on the first entry whose key is not less; false: there is none. Unlimited calls.
  Result<bool> seek(std::string_view key);
  // Stands on the entry of that ordinal; false: there is none.
  Result<bool> seek_ordinal(std::uint64_t ordinal);
  Result<bool> next();
  const std::string& key() const { return blocks_.key(); }
  const DictionaryEntry& entry() const { return entry_; }

 private:
  Result<void> take_entry();

  const SegmentField* field_;
  std::uint32_t places_;  // of its kind
  SortedBlocks blocks_;
  std::uint64_t next_ordinal_ = 0;
  DictionaryEntry entry_;
};

// One thread. Views last as long as the source's state.
class SegmentSearch {
 public:
  SegmentSearch(std::shared_ptr<const SearchOutline> outline, BlockSource& source);
  const SearchOutline& outline() const { return *outline_; }
  const std::shared_ptr<const SearchOutline>& shared_outline() const { return outline_; }

  DictionaryCursor dictionary(const SegmentField& field) const;
  Result<std::optional<DictionaryEntry>> find(const SegmentField& field,
                                              std::string_view key) const;
  // The number of the first entry not less than the key, as an ordinal of the field.
  Result<std::uint64_t> lower_bound(const SegmentField& field, std::string_view key) const;
  Result<std::string_view> postings(const DictionaryEntry& entry) const;  // encoded
  // Adds an entry's places to the set, which is of the kind's range.
  Result<void> add_places(const SegmentField& field, const DictionaryEntry& entry,
                          PlaceSet& places) const;
  // The chunk of a column that holds this place.
  Result<ColumnChunkView> column(const SegmentField& field, std::uint32_t chunk) const;

  // Key of a record (keys.h), by local number; fast when asked in order.
  Result<std::string> key_of(std::uint32_t local) const;
  // The first local number whose key is not less.
  Result<std::uint32_t> lower_bound_key(std::string_view key) const;

 private:
  Result<std::string_view> piece(Section section, const PieceRef& ref) const;

  std::shared_ptr<const SearchOutline> outline_;
  BlockSource* source_;
  mutable SortedBlocks keys_;  // where it stands is of no meaning to callers
};

}  // namespace jcn
