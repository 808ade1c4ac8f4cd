#include "sorted_blocks.h"

#include <algorithm>

namespace jcn {

void append_dictionary_entry(std::string& out, const DictionaryEntry& entry) {
  ByteWriter to(out);
  to.varint(entry.documents);
  to.text(entry.inline_postings);
  if (!entry.inline_postings.empty()) return;
  to.varint(entry.postings.length);
  to.varint(entry.postings.block);
  to.varint(entry.postings.offset);
}

bool read_dictionary_entry(ByteReader& in, DictionaryEntry& entry) {
  entry.documents = in.varint32();
  entry.inline_postings = in.text();
  entry.postings = {};
  if (!entry.inline_postings.empty()) return in.ok();
  entry.postings.length = in.varint32();
  entry.postings.block = in.varint32();
  entry.postings.offset = in.varint32();
  return in.ok() && entry.postings.length != 0;
}

Error SortedBlocks::malformed() const {
  return damaged(section_ == Section::keys ? "a segment's key block is malformed"
                                           : "a segment's value block is malformed");
}

std::uint32_t SortedBlocks::block_of(std::uint64_t number) const {
  const auto after = std::upper_bound(
      begins_->begin(), begins_->end(), number,
      [](std::uint64_t wanted, const BlockBegin& begin) { return wanted < begin.first; });
  return static_cast<std::uint32_t>(after - begins_->begin() - 1);
}

Result<void> SortedBlocks::enter(std::uint32_t block) {
  if (entered_ && block_ == block) return {};
  entered_ = false;
  JCN_TRY(const std::string_view payload, source_->block(section_, block));
  reader_ = FrontCodedReader(payload);
  next_ = begin_of(block);
  block_ = block;
  entered_ = true;
  return {};
}

Result<void> SortedBlocks::go_to(std::uint64_t whole_key) {
  if (!reader_.go_to(static_cast<std::uint32_t>(whole_key))) return malformed();
  next_ = begin_of(block_) + whole_key * whole_key_interval;
  return {};
}

Result<void> SortedBlocks::step() {
  if (next_ == end_of(block_)) JCN_CHECK(enter(block_ + 1));
  if (!reader_.next()) return malformed();
  if (section_ == Section::values && !read_dictionary_entry(reader_.payload(), entry_)) {
    return malformed();
  }
  ++next_;
  return {};
}

Result<bool> SortedBlocks::seek(std::string_view key, std::uint64_t first, std::uint64_t end) {
  if (first >= end) return false;
  // The first block also holds keys before `first`: its own begin says nothing.
  const auto candidates = begins_->begin() + block_of(first) + 1;
  const auto after = std::upper_bound(
      candidates, begins_->begin() + block_of(end - 1) + 1, key,
      [](std::string_view wanted, const BlockBegin& begin) { return wanted < begin.key; });
  JCN_CHECK(enter(static_cast<std::uint32_t>(after - begins_->begin() - 1)));
  const std::uint64_t begin = begin_of(block_);
  std::uint64_t low = (std::max(first, begin) - begin) / whole_key_interval;
  std::uint64_t high = (std::min(end, end_of(block_)) - 1 - begin) / whole_key_interval;
  while (low < high) {
    const std::uint64_t middle = (low + high + 1) / 2;
    const auto whole = reader_.whole_key(static_cast<std::uint32_t>(middle));
    if (!whole) return malformed();
    if (*whole <= key) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  JCN_CHECK(go_to(low));
  while (next_ < end) {
    JCN_CHECK(step());
    if (number() >= first && reader_.key() >= key) return true;
  }
  return false;
}

Result<void> SortedBlocks::seek_number(std::uint64_t number) {
  if (number >= total_) return damaged("a key's number is beyond its segment");
  const bool next_one = entered_ && number == next_;
  if (!next_one) {
    JCN_CHECK(enter(block_of(number)));
    const std::uint64_t whole_key = (number - begin_of(block_)) / whole_key_interval;
    const std::uint64_t whole_number = begin_of(block_) + whole_key * whole_key_interval;
    if (next_ <= whole_number || next_ > number + 1) JCN_CHECK(go_to(whole_key));
  }
  while (next_ <= number) JCN_CHECK(step());
  return {};
}

}  // namespace jcn
