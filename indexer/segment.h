// Segment: an immutable set of records, sorted by (kind, id); a record's local number is its place
// in that order, and never leaves the segment. Its bytes lie in blocks under (section, block
// number), in memory or in LMDB; one reader serves both. Layout: doc/format.md.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compression.h"
#include "encoding.h"
#include "front_coding.h"
#include "jcn/record.h"
#include "jcn/result.h"

namespace jcn {

// Readers step over sections that they don't know.
enum class Section : std::uint8_t {
  head = 1,
  documents = 2,
  keys = 3,
  // What is searchable: search_writer.h writes it, segment_search.h reads it.
  outline = 4,
  values = 5,
  postings = 6,
  columns = 7,
};
inline constexpr std::uint8_t last_known_section = 7;

// A value of 16,368 bytes, checksum included, fills four LMDB pages.
inline constexpr std::size_t block_target_bytes = 16'360;
// Of keys and values, one page: they are looked into at random, a key at a time, and the whole
// block is checked for it.
inline constexpr std::size_t sorted_block_bytes = 4'072;

// Where a segment's blocks lie. Payloads come without their checksum, checked.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  // The view lasts as long as the source's state (its transaction, or the source itself).
  virtual Result<std::string_view> block(Section section, std::uint32_t number) = 0;
};

// Blocks on the heap: a segment while it is fresh.
class MemoryBlocks : public BlockSource {
 public:
  Result<std::string_view> block(Section section, std::uint32_t number) override;
  // Without Result's trip, for blocks known to be there.
  std::string_view document_block(std::uint32_t number) const {
    return blocks(Section::documents)[number];
  }
  const std::vector<std::string>& blocks(Section section) const {
    return sections_[static_cast<std::size_t>(section)];
  }
  void add(Section section, std::uint32_t number, std::string payload);

 private:
  std::array<std::vector<std::string>, last_known_section + std::size_t{1}> sections_;
};

// Where a block of sorted keys begins.
struct BlockBegin {
  std::uint64_t first = 0;  // number of its first key in the whole section
  std::string key;
  bool operator==(const BlockBegin&) const = default;
};

struct SegmentHead {
  std::uint32_t records = 0;
  std::uint32_t dictionary = 0;  // of all its compressed documents; 0: none
  std::uint32_t key_blocks = 0;
  std::vector<std::uint32_t> first_locals;  // per document block
};
std::string encode_segment_head(const SegmentHead& head);
std::optional<SegmentHead> decode_segment_head(std::string_view payload);

// One record's entry in a document block, its strings not unpacked yet.
struct SegmentEntry {
  std::uint64_t seq = 0;
  Hash128 rev;
  bool exists = true;
  bool compressed = false;
  std::uint64_t raw_size = 0;
  std::int64_t created_ns = 0, updated_ns = 0;
  std::optional<std::int64_t> since_ns;
  std::uint32_t fragments = 0;
  std::string_view numbers;  // of the fragments
  std::string_view stored;   // fragment names and document
  std::string_view bytes;    // the whole entry
};
std::optional<SegmentEntry> decode_entry(std::string_view bytes);
// The entry of a record whose key stands elsewhere, uncompressed.
std::string encode_entry(const Record& record);
// The same entry, compressed where that makes it smaller.
std::string compress_entry(const SegmentEntry& entry, const Dictionary* dictionary);
// What compress_entry compresses, decompressed: absent when it is damaged.
std::optional<std::string> entry_strings(const SegmentEntry& entry, const Dictionary* dictionary);
std::string with_strings(const SegmentEntry& entry,
                         std::string_view strings);  // uncompressed again
// The document of an entry that is not compressed, in place: absent when the entry is malformed.
std::optional<std::string_view> entry_document(const SegmentEntry& entry);
// Fills everything but the key. False: damaged.
bool unpack_entry(const SegmentEntry& entry, const Dictionary* dictionary, Record& record);

class Segment {
 public:
  Segment(std::shared_ptr<const SegmentHead> head, BlockSource& source)
      : head_(std::move(head)), source_(&source) {}
  const SegmentHead& head() const { return *head_; }
  // index_damaged when there is no such local number, or its block is not as it was written.
  Result<SegmentEntry> entry(std::uint32_t local) const;

 private:
  std::shared_ptr<const SegmentHead> head_;
  BlockSource* source_;
};
std::optional<std::string_view> entry_in_block(std::string_view payload, std::uint32_t place);

// Goes through a segment's keys in order; the n-th is that of local number n.
class SegmentKeys {
 public:
  explicit SegmentKeys(const SegmentHead& head, BlockSource& source)
      : records_(head.records), blocks_(head.key_blocks), source_(&source) {}
  Result<bool> next();  // false after the last
  const std::string& key() const { return reader_.key(); }
  std::uint32_t local() const { return read_ - 1; }

 private:
  std::uint32_t records_, blocks_, read_ = 0, block_ = 0;
  BlockSource* source_;
  FrontCodedReader reader_;
};

}  // namespace jcn
