#include "search_writer.h"

#include <algorithm>

namespace jcn {

void SearchWriter::begin_kind(std::string_view name, std::uint32_t first, std::uint32_t end) {
  SegmentKind kind;
  kind.name = name;
  kind.first = first;
  kind.end = end;
  kind.first_field = kind.end_field = static_cast<std::uint32_t>(outline_.fields.size());
  outline_.kinds.push_back(std::move(kind));
}

std::uint32_t SearchWriter::begin_field(std::string_view path) {
  path_ = path;
  is_text_ = path == text_field;
  field_number_ = static_cast<std::uint32_t>(outline_.fields.size());
  return field_number_;
}

std::uint32_t SearchWriter::uses(const WordUses& uses) {
  const auto [found, made] =
      use_numbers_.try_emplace(uses, static_cast<std::uint32_t>(outline_.uses.size()));
  if (made) outline_.uses.push_back(uses);
  return found->second;
}

Result<void> SearchWriter::add(std::string_view key, const std::vector<std::uint32_t>& places,
                               const std::vector<std::uint32_t>& payloads) {
  if (!has_entries()) {
    SegmentField field;
    field.path = path_;
    field.kind = static_cast<std::uint32_t>(outline_.kinds.size() - 1);
    field.first_value = field.end_value = outline_.values();
    outline_.fields.push_back(std::move(field));
  }
  SegmentField& field = outline_.fields.back();
  const std::string list = encode_postings(places, payloads, kind().end - kind().first);
  DictionaryEntry entry;
  entry.documents = static_cast<std::uint32_t>(places.size());
  if (list.size() <= longest_inline_postings) {
    entry.inline_postings = list;
  } else {
    JCN_TRY(entry.postings, put(postings_, list));
  }
  entry_.clear();
  append_dictionary_entry(entry_, entry);
  if (!values_.has_room(key.size() + entry_.size(), value_block_bytes_)) {
    JCN_CHECK(flush_values());
  }
  if (values_.empty()) outline_.value_blocks.push_back({field.end_value, std::string(key)});
  values_.add(key, entry_);
  if (!is_text_ && key_type(key) >= KeyType::null) {
    const auto ordinal = static_cast<std::uint32_t>(field.end_value - field.first_value);
    for (const std::uint32_t place : places) {
      const std::size_t chunk = place / column_chunk;
      if (cells_.size() <= chunk) cells_.resize(chunk + 1);
      cells_[chunk].push_back({place % column_chunk, ordinal});
    }
  }
  ++field.end_value;
  return {};
}

void SearchWriter::lengths(const std::vector<std::uint32_t>& tokens) {
  for (std::size_t place = 0; place < tokens.size(); ++place) {
    const std::size_t chunk = place / column_chunk;
    if (cells_.size() <= chunk) cells_.resize(chunk + 1);
    if (tokens[place] == 0) continue;
    cells_[chunk].push_back({static_cast<std::uint32_t>(place % column_chunk), tokens[place]});
    kind().tokens += tokens[place];
  }
}

Result<void> SearchWriter::end_field() {
  if (has_entries()) {
    SegmentField& field = outline_.fields.back();
    const std::uint32_t places = kind().end - kind().first;
    for (std::uint32_t chunk = 0; chunk < cells_.size(); ++chunk) {
      if (cells_[chunk].empty()) {
        if (chunk * column_chunk < places) field.column.emplace_back();
        continue;
      }
      JCN_CHECK(add_chunk(cells_[chunk], std::min(places - chunk * column_chunk, column_chunk)));
    }
    while (!field.column.empty() && field.column.back().length == 0) field.column.pop_back();
  }
  for (std::vector<Cell>& cells : cells_) cells.clear();
  field_number_ = static_cast<std::uint32_t>(outline_.fields.size());
  return {};
}

// Sorts the cells by place, by counting.
Result<void> SearchWriter::add_chunk(std::vector<Cell>& cells, std::uint32_t places) {
  SegmentField& field = outline_.fields.back();
  std::vector<std::uint32_t>& ends = chunk_.ends;
  ends.assign(places, 0);
  for (const Cell& cell : cells) {
    if (++ends[cell.place] > 1) field.many = true;
  }
  std::uint32_t begin = 0;
  for (std::uint32_t& end : ends) begin += std::exchange(end, begin);
  chunk_.ordinals.resize(cells.size());
  for (const Cell& cell : cells) chunk_.ordinals[ends[cell.place]++] = cell.ordinal;
  JCN_TRY(const PieceRef piece, put(columns_, encode_column_chunk(chunk_)));
  field.column.push_back(piece);
  return {};
}

Result<void> SearchWriter::end_kind() {
  kind().end_field = static_cast<std::uint32_t>(outline_.fields.size());
  if (kind().first == kind().end) outline_.kinds.pop_back();
  return {};
}

Result<PieceRef> SearchWriter::put(Pieces& pieces, std::string_view piece) {
  if (!pieces.block.empty() && pieces.block.size() + piece.size() > block_bytes_) {
    JCN_CHECK(flush(pieces));
  }
  const PieceRef ref{pieces.number, static_cast<std::uint32_t>(pieces.block.size()),
                     static_cast<std::uint32_t>(piece.size())};
  pieces.block += piece;
  return ref;
}

Result<void> SearchWriter::flush(Pieces& pieces) {
  return sink_(pieces.section, pieces.number++, std::exchange(pieces.block, {}));
}

Result<void> SearchWriter::flush_values() {
  const auto number = static_cast<std::uint32_t>(outline_.value_blocks.size() - 1);
  return sink_(Section::values, number, values_.take());
}

Result<void> SearchWriter::finish(std::vector<BlockBegin> key_blocks) {
  if (!values_.empty()) JCN_CHECK(flush_values());
  if (!postings_.block.empty()) JCN_CHECK(flush(postings_));
  if (!columns_.block.empty()) JCN_CHECK(flush(columns_));
  outline_.key_blocks = std::move(key_blocks);
  const std::string bytes = encode_outline(outline_);
  std::uint32_t number = 0;
  for (std::size_t at = 0; at < bytes.size(); at += block_bytes_) {
    JCN_CHECK(sink_(Section::outline, number++, bytes.substr(at, block_bytes_)));
  }
  return {};
}

}  // namespace jcn
