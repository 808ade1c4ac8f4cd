#include "segment_search.h"

#include <algorithm>

namespace jcn {

DictionaryCursor::DictionaryCursor(const SearchOutline& outline, BlockSource& source,
                                   const SegmentField& field)
    : field_(&field),
      places_(outline.kinds[field.kind].end - outline.kinds[field.kind].first),
      blocks_(source, Section::values, outline.value_blocks, outline.values()) {}

Result<void> DictionaryCursor::take_entry() {
  entry_ = blocks_.entry();
  entry_.ordinal = blocks_.number() - field_->first_value;
  next_ordinal_ = entry_.ordinal + 1;
  if (entry_.documents == 0 || entry_.documents > places_) {
    return damaged("a segment's dictionary counts more records than there are");
  }
  return {};
}

Result<bool> DictionaryCursor::seek(std::string_view key) {
  JCN_TRY(const bool found, blocks_.seek(key, field_->first_value, field_->end_value));
  if (found) {
    JCN_CHECK(take_entry());
  } else {
    next_ordinal_ = field_->end_value - field_->first_value;
  }
  return found;
}

Result<bool> DictionaryCursor::seek_ordinal(std::uint64_t ordinal) {
  const std::uint64_t end = field_->end_value - field_->first_value;
  if (ordinal >= end) {
    next_ordinal_ = end;
    return false;
  }
  JCN_CHECK(blocks_.seek_number(field_->first_value + ordinal));
  JCN_CHECK(take_entry());
  return true;
}

Result<bool> DictionaryCursor::next() {
  return seek_ordinal(next_ordinal_);
}

SegmentSearch::SegmentSearch(std::shared_ptr<const SearchOutline> outline, BlockSource& source)
    : outline_(std::move(outline)),
      source_(&source),
      keys_(source, Section::keys, outline_->key_blocks, outline_->records()) {}

DictionaryCursor SegmentSearch::dictionary(const SegmentField& field) const {
  return DictionaryCursor(*outline_, *source_, field);
}

Result<std::optional<DictionaryEntry>> SegmentSearch::find(const SegmentField& field,
                                                           std::string_view key) const {
  DictionaryCursor cursor = dictionary(field);
  JCN_TRY(const bool found, cursor.seek(key));
  if (!found || cursor.key() != key) return std::optional<DictionaryEntry>();
  return std::optional<DictionaryEntry>(cursor.entry());
}

Result<std::uint64_t> SegmentSearch::lower_bound(const SegmentField& field,
                                                 std::string_view key) const {
  DictionaryCursor cursor = dictionary(field);
  JCN_TRY(const bool found, cursor.seek(key));
  return found ? cursor.entry().ordinal : field.end_value - field.first_value;
}

Result<std::string_view> SegmentSearch::piece(Section section, const PieceRef& ref) const {
  JCN_TRY(const std::string_view block, source_->block(section, ref.block));
  if (ref.offset > block.size() || ref.length > block.size() - ref.offset) {
    return damaged("a piece of a segment lies beyond its block");
  }
  return block.substr(ref.offset, ref.length);
}

Result<std::string_view> SegmentSearch::postings(const DictionaryEntry& entry) const {
  if (!entry.inline_postings.empty()) return entry.inline_postings;
  return piece(Section::postings, entry.postings);
}

Result<void> SegmentSearch::add_places(const SegmentField& field, const DictionaryEntry& entry,
                                       PlaceSet& places) const {
  JCN_TRY(const std::string_view list, postings(entry));
  if (!add_postings(list, places.size(), field.path == text_field, places)) {
    return damaged("a segment's posting list is malformed");
  }
  return {};
}

Result<ColumnChunkView> SegmentSearch::column(const SegmentField& field,
                                              std::uint32_t chunk) const {
  if (chunk >= field.column.size() || field.column[chunk].length == 0) return ColumnChunkView();
  JCN_TRY(const std::string_view bytes, piece(Section::columns, field.column[chunk]));
  const SegmentKind& kind = outline_->kinds[field.kind];
  const std::uint32_t places = kind.end - kind.first - chunk * column_chunk;
  const auto view = ColumnChunkView::open(bytes, std::min(places, column_chunk));
  if (!view) return damaged("a segment's column is malformed");
  return *view;
}

Result<std::string> SegmentSearch::key_of(std::uint32_t local) const {
  JCN_CHECK(keys_.seek_number(local));
  return keys_.key();
}

Result<std::uint32_t> SegmentSearch::lower_bound_key(std::string_view key) const {
  const std::uint32_t records = outline_->records();
  JCN_TRY(const bool found, keys_.seek(key, 0, records));
  return found ? static_cast<std::uint32_t>(keys_.number()) : records;
}

}  // namespace jcn
