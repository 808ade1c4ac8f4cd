// What can be told of a generation before anything of it is believed: how it was left, by whom, and
// whether it is still that.
#pragma once

#include <optional>
#include <string>

#include "history.h"
#include "jcn/result.h"
#include "lmdb_env.h"
#include "rows.h"

namespace jcn {

// Rows of `meta` that every opening reads.
struct MetaRows {
  IdentityRow identity;
  StateRow state;
  IndexCounts counts;
  std::optional<TokenRow> token;      // absent: no writer has opened it yet
  std::optional<std::string> origin;  // the generation that it was written from
};
// index_damaged: they are not all there.
Result<MetaRows> read_meta(const Transaction& txn);

// Empty where there is none (containers); then only the inode tells copies apart.
std::string machine_id();

// Why a generation has to be examined before it is used; empty: nothing speaks against it. Nothing
// of LMDB's is looked at.
Result<std::string> suspicion(const std::string& folder, const std::string& generation,
                              const std::optional<History>& left);

// Whether a generation is the one that the folder's last writer left, on this machine, and has all
// of its commits (doc/format.md: history). Where it has not, the numbers it goes on from may have
// been given already. `txn` is the state that was read.
Result<bool> carries_on(const std::string& folder, const std::string& generation,
                        const std::optional<History>& left, const MetaRows& meta,
                        std::uint64_t txn);

}  // namespace jcn
