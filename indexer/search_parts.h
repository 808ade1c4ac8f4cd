// What a query runs over: the segments of one snapshot that hold records of a kind, newest layers
// of memory and LMDB alike, each with the places of its newest, existing records. Together they
// name every record of the kind exactly once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "posting_list.h"
#include "segment_search.h"

namespace jcn {

class SnapshotState;

struct SearchPart {
  std::unique_ptr<SegmentSearch> search;
  const SegmentKind* kind = nullptr;     // in the search's outline
  std::optional<std::uint32_t> segment;  // absent: in memory
  PlaceSet living;                       // of the kind's range
  std::uint32_t places() const { return kind->end - kind->first; }
};

// Asked from time to time whether there is time to go on. An Error ends the work.
using LookAtClock = std::function<Result<void>()>;

// Parts last as long as the snapshot, and are used by its thread. What has to be made or read once
// for them (fresh pieces, outlines) stays: who is out of time and comes back begins further on.
Result<std::vector<SearchPart>> search_parts(SnapshotState& snapshot, const std::string& kind,
                                             const LookAtClock& look);

}  // namespace jcn
