// A Batch → what it looks like in the fresh layer.
#pragma once

#include <memory>
#include <vector>

#include "fresh_layer.h"
#include "snapshot_state.h"
#include "touched_log.h"

namespace jcn {

struct PreparedBatch {
  std::shared_ptr<const Delta> delta;
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  IndexCounts counts;            // after the batch
  std::vector<TouchedRow> rows;  // for touched.log
};

// Gives the records the numbers after `seq`. `before` is the newest state. Pure but for reading it.
Result<PreparedBatch> prepare_batch(Batch batch, std::uint64_t seq, const SnapshotState& before);

}  // namespace jcn
