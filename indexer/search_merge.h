// Merges the searchable parts of several segments: what the living records of all have, as if built
// from their documents. Memory: the maps of places, and one field at a time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "jcn/result.h"
#include "search_writer.h"
#include "segment_search.h"

namespace jcn {

struct MergeInput {
  static constexpr std::uint32_t none = 0xffffffff;
  const SegmentSearch* search = nullptr;
  // By local number, that in the new segment; none: the record is dead. Ascending, like the keys.
  std::vector<std::uint32_t> new_local;
};

// The living of all inputs are the new segment's records, each once. `key_blocks` as its builder
// wrote them.
Result<void> merge_search(std::span<const MergeInput> inputs, SearchWriter::Sink sink,
                          std::vector<BlockBegin> key_blocks,
                          std::size_t block_bytes = block_target_bytes);

}  // namespace jcn
