// Rewrite: what one generation holds → a new one beside it. The one way in which an index is
// compacted, upgraded and repaired; numbers, revs and last-good content come along.
//
// What it takes for true is what examine_index found to be as it was written. From that all else is
// made anew: `changes`, `rejects`, `living` and the counts always; `ids` from segments and the
// living, `files` from the records (their files are then read again), `tombstones` from the
// changes. Blocks are believed when they match their checksums; what a bad one held is read from
// the files where those are as they were, and given up otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "jcn/index_writer.h"
#include "jcn/verify.h"
#include "lmdb_env.h"
#include "merge.h"
#include "rows.h"
#include "segment_cache.h"

namespace jcn {

struct RewriteSource {
  const Transaction& txn;  // of `cache`'s environment, or of one like it
  SegmentCache& cache;
  const IndexHealth& health;
};

struct RewriteResult {
  StateRow state;  // the source's, with the new generation's segment numbers
  IndexCounts counts;
  SegmentInfos segments;
  bool new_history = false;     // deletions are not all known any more: consumers begin anew
  bool files_made_up = false;   // every file has to be read again
  std::uint64_t healed = 0;     // records that were read from their files
  std::vector<RecordKey> lost;  // records that were given up, and so were their files' rows
};

// Whether enough is left for a rewrite. If not, everything begins anew.
bool can_rewrite(const IndexHealth& health);
// Whether the contents that are kept apart can all be read.
bool bodies_are_whole(const IndexHealth& health);

// Writes into an environment whose tables are empty, in several transactions; all of meta but
// `identity` and `token` is written with the last one. Errors: index_damaged (the source is not
// what its health says, or `segments_as_they_are` cannot be), not_ready (`go_on` said so).
Result<RewriteResult> rewrite_generation(const RewriteSource& source, LmdbEnv& target,
                                         const RewriteWish& wish);

}  // namespace jcn
