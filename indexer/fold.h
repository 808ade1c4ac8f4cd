// Fold: a delta → LMDB, as one new segment and the rows that go with it.
#pragma once

#include <cstdint>
#include <memory>

#include "fresh_layer.h"
#include "living.h"
#include "lmdb_env.h"
#include "rows.h"
#include "segment_cache.h"

namespace jcn {

struct FoldOutcome {
  std::uint32_t segment = 0;  // 0: the delta had no present record
  std::uint32_t records = 0;  // in the segment
  std::uint64_t changes = 0, files = 0;
  Deaths deaths;
};

// Writes everything but the counts and the state row. `state` is changed with it: the next
// segment's number, and the dictionary, which the first fold that is large enough trains.
Result<FoldOutcome> fold_delta(WriteTxn& txn, const Delta& delta, StateRow& state,
                               SegmentCache& cache);

// Stores blocks of a segment, sealed. Documents and keys go to the end of the table.
Result<void> store_block(WriteTxn& txn, std::uint32_t segment, Section section,
                         std::uint32_t number, std::string payload);

}  // namespace jcn
