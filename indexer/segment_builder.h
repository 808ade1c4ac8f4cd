// Writes a segment: entries in key order go in, blocks come out as they fill.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/result.h"
#include "segment.h"

namespace jcn {

class SegmentBuilder {
 public:
  // Takes a payload, without its checksum. Documents come in order, then keys, the head last.
  using Sink = std::function<Result<void>(Section, std::uint32_t number, std::string payload)>;
  SegmentBuilder(std::uint32_t dictionary, Sink sink, std::size_t block_bytes = block_target_bytes)
      : sink_(std::move(sink)),
        block_bytes_(block_bytes),
        key_block_bytes_(std::min(block_bytes, sorted_block_bytes)) {
    head_.dictionary = dictionary;
  }

  std::uint32_t next_local() const { return head_.records; }
  // `key` is greater than all before; `entry` as encode_entry or compress_entry made it.
  Result<void> add(std::string_view key, std::string_view entry);
  Result<SegmentHead> finish();
  // Where the blocks of keys begin. After finish().
  std::vector<BlockBegin> key_begins() { return std::move(key_begins_); }

 private:
  Result<void> close_documents();
  void add_key(std::string_view key);

  const Sink sink_;
  const std::size_t block_bytes_, key_block_bytes_;
  SegmentHead head_;
  std::string entries_;
  std::vector<std::uint32_t> ends_;
  FrontCodedWriter keys_;
  std::vector<std::string> key_blocks_;  // small, and written behind the documents
  std::vector<BlockBegin> key_begins_;
};

}  // namespace jcn
