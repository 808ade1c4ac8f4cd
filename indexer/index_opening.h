// Opening an index for writing: lock, generation, identity, numbers, what a kill left behind.
#pragma once

#include <optional>
#include <string>

#include "history.h"
#include "jcn/file_descriptor.h"
#include "jcn/index_writer.h"
#include "jcn/verify.h"
#include "merge.h"
#include "rows.h"
#include "segment_cache.h"
#include "touched_log.h"

namespace jcn {

// Numbers are promised to LMDB in blocks before any of them is given.
inline constexpr std::uint64_t reserved_block = 65'536;

struct OpenedIndex {
  FileDescriptor lock;
  std::string generation;  // its folder
  History history;         // as written
  std::optional<LastCommit> last_commit;
  Rebuilt rebuilt = Rebuilt::no;
  std::string rebuilt_because;
  std::shared_ptr<SegmentCache> cache;
  Hash128 uuid;
  StateRow state;         // as committed
  std::uint64_t seq = 0;  // the head
  std::uint64_t txn = 0;  // of the last commit
  IndexCounts counts;
  SegmentInfos segments;
  std::optional<TouchedLog> log;
};

Result<OpenedIndex> open_index(const std::string& folder, const WriterOptions& options);
// By who holds the lock and writes no more, of a generation in which damage was found.
Result<OpenedIndex> reopen_index(const std::string& folder, const WriterOptions& options,
                                 const IndexHealth& health);

}  // namespace jcn
