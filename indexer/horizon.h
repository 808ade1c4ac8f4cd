// The feed's horizon, as it stands in LMDB: how far back the changes are all known.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jcn/result.h"
#include "lmdb_env.h"

namespace jcn {

Result<HorizonRow> read_horizon(const Transaction& txn);

// Numbers in (after, last] may have been given, and nothing is known of them.
struct LostStretch {
  std::uint64_t after = 0, last = 0;
};
Result<std::vector<LostStretch>> lost_stretches(const Transaction& txn);  // in order

}  // namespace jcn
