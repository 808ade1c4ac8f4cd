// The living: per segment a bitmap, in chunks, of the local numbers that the ids table still leads
// to.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "jcn/result.h"
#include "lmdb_env.h"
#include "posting_list.h"

namespace jcn {

inline constexpr std::uint32_t living_chunk = 8192;  // records; a bitmap of 1 KiB

Result<void> write_all_living(WriteTxn& txn, std::uint32_t segment, std::uint32_t records);
// Takes local numbers (in any order, each once) from the living.
using Deaths = std::map<std::uint32_t, std::vector<std::uint32_t>>;  // by segment
Result<void> mark_dead(WriteTxn& txn, Deaths& deaths);
Result<std::vector<bool>> read_living(const Transaction& txn, std::uint32_t segment,
                                      std::uint32_t records);
// The living among local numbers from `first` to `end`, `first` being place 0.
Result<PlaceSet> read_living_places(const Transaction& txn, std::uint32_t segment,
                                    std::uint32_t first, std::uint32_t end);
Result<void> erase_segment(WriteTxn& txn, std::uint32_t segment);  // its blocks and its living

}  // namespace jcn
