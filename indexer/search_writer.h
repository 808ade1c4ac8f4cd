// Writes the searchable part of a segment from a sorted stream: kinds in order, in each its fields
// by path, in each its dictionary by key. Documents (search_builder.h) and segments that are being
// merged (search_merge.h) both end here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/result.h"
#include "segment_search.h"

namespace jcn {

// Lists of no more bytes stay in their dictionary.
inline constexpr std::size_t longest_inline_postings = 48;

// Blocks come out as they fill: in order within a section, the outline last.
class SearchWriter {
 public:
  using Sink = std::function<Result<void>(Section, std::uint32_t number, std::string payload)>;
  explicit SearchWriter(Sink sink, std::size_t block_bytes = block_target_bytes)
      : sink_(std::move(sink)),
        block_bytes_(block_bytes),
        value_block_bytes_(std::min(block_bytes, sorted_block_bytes)) {}

  // The next kind's records, which follow those of the kind before; none: the kind is left out.
  void begin_kind(std::string_view name, std::uint32_t first, std::uint32_t end);
  // Gives the number that the field has in the outline, if add() is called for it; a field without
  // entries is left out.
  std::uint32_t begin_field(std::string_view path);
  // The number of a set of uses; their fields are numbers that begin_field gave.
  std::uint32_t uses(const WordUses& uses);
  // Ascending keys, ascending places, at least one; payloads for the text field only.
  Result<void> add(std::string_view key, const std::vector<std::uint32_t>& places,
                   const std::vector<std::uint32_t>& payloads = {});
  // Of the text field: tokens of each place of the kind, in order. Before end_field().
  void lengths(const std::vector<std::uint32_t>& tokens);
  // Writes the column, made from what add() was given.
  Result<void> end_field();
  Result<void> end_kind();
  // `key_blocks` as the segment's builder wrote them.
  Result<void> finish(std::vector<BlockBegin> key_blocks);

 private:
  // Pieces of a section, one behind the other; none lies in two blocks.
  struct Pieces {
    Section section;
    std::uint32_t number = 0;
    std::string block;
  };
  // A place within its chunk, and a value that it has.
  struct Cell {
    std::uint32_t place, ordinal;
  };

  SegmentKind& kind() { return outline_.kinds.back(); }
  bool has_entries() const { return outline_.fields.size() > field_number_; }
  Result<PieceRef> put(Pieces& pieces, std::string_view piece);
  Result<void> flush(Pieces& pieces);
  Result<void> flush_values();
  Result<void> add_chunk(std::vector<Cell>& cells, std::uint32_t places);

  const Sink sink_;
  const std::size_t block_bytes_, value_block_bytes_;
  SearchOutline outline_;
  std::map<WordUses, std::uint32_t> use_numbers_;
  FrontCodedWriter values_;
  Pieces postings_{Section::postings, 0, {}};
  Pieces columns_{Section::columns, 0, {}};
  // Of the field under way.
  std::uint32_t field_number_ = 0;
  std::string path_;
  bool is_text_ = false;
  std::vector<std::vector<Cell>> cells_;  // per chunk, by ordinal
  // Kept for their memory.
  std::string entry_;
  ColumnChunk chunk_;
};

}  // namespace jcn
