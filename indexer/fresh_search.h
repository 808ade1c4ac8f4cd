// The searchable part of a delta: the same sections that its fold writes, in memory. Made when it
// is first asked for (by a query, or by the fold), and kept with the delta.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "fresh_layer.h"
#include "lmdb_env.h"
#include "segment_search.h"

namespace jcn {

// A place in a folded segment.
struct FoldedPlace {
  std::uint32_t segment = 0, local = 0;
  auto operator<=>(const FoldedPlace&) const = default;
};

// Present records of the delta are its segment's records, in order.
class FreshSearch {
 public:
  static Result<std::shared_ptr<const FreshSearch>> build(const FreshEntries& records);

  static constexpr std::uint32_t no_local = 0xffffffff;
  const std::shared_ptr<const SearchOutline>& outline() const { return outline_; }
  // Sections keys to columns.
  const MemoryBlocks& blocks() const { return blocks_; }
  // By index in the delta's records; no_local: removed.
  const std::vector<std::uint32_t>& locals() const { return locals_; }
  std::uint32_t records() const { return records_; }

 private:
  MemoryBlocks blocks_;
  std::shared_ptr<const SearchOutline> outline_;
  std::vector<std::uint32_t> locals_;
  std::uint32_t records_ = 0;
};

// What is worked out once per delta and shared by all queries. Thread-safe.
class DeltaSearch {
 public:
  Result<std::shared_ptr<const FreshSearch>> search(const FreshEntries& records);
  // Where the delta's records stand in LMDB's state `txn`: those places are dead. Sorted.
  Result<std::shared_ptr<const std::vector<FoldedPlace>>> folded_places(const FreshEntries& records,
                                                                        const Transaction& txn);
  // Which of these records, as indices, a newer delta has too: those are dead.
  std::shared_ptr<const std::vector<std::uint32_t>> replaced_by(const FreshEntries& records,
                                                                const Delta& newer);

 private:
  std::mutex building_;  // one builder at a time
  std::mutex mutex_;
  // All under mutex_.
  std::shared_ptr<const FreshSearch> search_;
  std::uint64_t txn_ = 0;
  std::shared_ptr<const std::vector<FoldedPlace>> places_;  // in the state txn_
  struct Replaced {
    std::weak_ptr<const DeltaSearch> by;
    std::shared_ptr<const std::vector<std::uint32_t>> records;
  };
  std::vector<Replaced> replaced_;
};

}  // namespace jcn
