// Tiered merging: the living of several segments → one new segment.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "lmdb_env.h"
#include "rows.h"
#include "segment_cache.h"

namespace jcn {

struct SegmentInfo {
  std::uint32_t records = 0, living = 0;
  bool known = true;  // false: it has sections of a later version, and is left as it is
};
using SegmentInfos = std::map<std::uint32_t, SegmentInfo>;

// All segments, and those without a head: merges that were cut off.
struct SegmentSurvey {
  SegmentInfos segments;
  std::vector<std::uint32_t> unfinished;
};
Result<SegmentSurvey> survey_segments(const Transaction& txn, SegmentCache& cache);

// What to merge now; empty: nothing is due. Eight segments of one size class (powers of eight), or
// one that is large and over 30 % dead.
std::vector<std::uint32_t> choose_merge(const SegmentInfos& segments);

// How a merge writes: several transactions, so that dirty pages stay few. Only the last one changes
// what readers see.
class MergeTransactions {
 public:
  virtual ~MergeTransactions() = default;
  virtual Result<void> begin() = 0;
  virtual WriteTxn& txn() = 0;
  virtual StateRow& state() = 0;  // as it will be committed with txn()
  virtual Result<void> commit() = 0;
};

struct MergeOutcome {
  std::uint32_t segment = 0;  // 0: none of them had a living record
  std::uint32_t records = 0;
};
// On an error, blocks of a segment without a head may stay behind: for the next open to remove.
// Errors: not_ready when `go_on`, which is asked at each block and now and then between, said so.
Result<MergeOutcome> merge_segments(const std::vector<std::uint32_t>& segments, SegmentCache& cache,
                                    MergeTransactions& transactions,
                                    const std::function<bool()>& go_on);

}  // namespace jcn
