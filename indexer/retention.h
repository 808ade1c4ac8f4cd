// What is kept for consumers of changes that stay away: tombstones, and what is remembered of
// numbers that are lost. Whatever is let go of moves the horizon (doc/format.md: meta).
#pragma once

#include <cstdint>

#include "jcn/result.h"
#include "lmdb_env.h"

namespace jcn {

// Erases the oldest tombstones until `keep` are left. Looks at a bounded number of changes; the
// next call goes on there.
Result<void> prune_tombstones(WriteTxn& txn, std::uint64_t keep);

// Numbers in (after, last] may have been given, and nothing is known of them.
Result<void> remember_lost(WriteTxn& txn, std::uint64_t after, std::uint64_t last);

inline constexpr std::uint64_t most_changes_looked_at = 65'536;  // by one pruning
inline constexpr std::size_t most_lost_stretches = 256;          // each unclean end may bring one

}  // namespace jcn
