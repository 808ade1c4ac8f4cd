// The sorted keys of a segment, over all blocks of their section: records' keys, and the
// dictionaries. A directory tells where each block begins, so that a key, or the n-th, is found
// with one block.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "front_coding.h"
#include "jcn/result.h"
#include "segment.h"

namespace jcn {

// A piece of a section.
struct PieceRef {
  std::uint32_t block = 0, offset = 0, length = 0;  // length 0: there is none
};

// One entry of a field's dictionary.
struct DictionaryEntry {
  std::uint64_t ordinal = 0;
  std::uint32_t documents = 0;  // with this value; dead ones too
  std::string_view inline_postings;
  PieceRef postings;  // used when inline_postings is empty
};
// What stands behind a key of Section::values.
void append_dictionary_entry(std::string& out, const DictionaryEntry& entry);
bool read_dictionary_entry(ByteReader& in, DictionaryEntry& entry);  // false: malformed

// Stands on a key, or nowhere yet. One thread; what it was made from outlives it.
class SortedBlocks {
 public:
  // Of Section::keys or Section::values, which have `total` keys.
  SortedBlocks(BlockSource& source, Section section, const std::vector<BlockBegin>& begins,
               std::uint64_t total)
      : source_(&source), section_(section), begins_(&begins), total_(total) {}

  // Among the keys numbered from `first` to `end`, stands on the first that is not less; false:
  // there is none.
  Result<bool> seek(std::string_view key, std::uint64_t first, std::uint64_t end);
  // Stands on the key of that number; fast when numbers ascend.
  Result<void> seek_number(std::uint64_t number);
  std::uint64_t number() const { return next_ - 1; }
  const std::string& key() const { return reader_.key(); }
  const DictionaryEntry& entry() const { return entry_; }  // of Section::values; no ordinal

 private:
  std::uint32_t block_of(std::uint64_t number) const;
  std::uint64_t begin_of(std::uint32_t block) const { return (*begins_)[block].first; }
  std::uint64_t end_of(std::uint32_t block) const {
    return block + std::size_t{1} < begins_->size() ? begin_of(block + 1) : total_;
  }
  Result<void> enter(std::uint32_t block);
  Result<void> go_to(std::uint64_t whole_key);
  Result<void> step();
  Error malformed() const;

  BlockSource* source_;
  Section section_;
  const std::vector<BlockBegin>* begins_;
  std::uint64_t total_;
  bool entered_ = false;
  std::uint32_t block_ = 0;  // that reader_ reads, once entered_
  FrontCodedReader reader_;
  std::uint64_t next_ = 0;  // number of the key that reader_ reads next
  DictionaryEntry entry_;
};

}  // namespace jcn
