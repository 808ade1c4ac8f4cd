// The searchable part of a delta: the same sections that its fold writes, in memory. Made when it
// is first asked for (ahead of queries, by a query, or by the fold), and kept with the delta.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "fresh_layer.h"
#include "lmdb_env.h"
#include "search_writer.h"
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
  // From their documents.
  static Result<std::shared_ptr<const FreshSearch>> build(const FreshEntries& records);
  // From what `write` gives to the sink: the sections after the keys, of all present records.
  using Write =
      std::function<Result<void>(SearchWriter::Sink sink, std::vector<BlockBegin> key_blocks)>;
  static Result<std::shared_ptr<const FreshSearch>> make(const FreshEntries& records,
                                                         const Write& write);

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
  // Made by the first who asks; the others wait for it.
  Result<std::shared_ptr<const FreshSearch>> search(const FreshEntries& records);
  Result<std::shared_ptr<const FreshSearch>> search(
      const std::function<Result<std::shared_ptr<const FreshSearch>>()>& make);
  // Null: not yet.
  std::shared_ptr<const FreshSearch> made() const;
  // Makes it, unless somebody has or is about to: then false.
  Result<bool> make_unless_begun(const FreshEntries& records);
  // Where the delta's records stand in LMDB's state `txn`: those places are dead. Sorted. Deltas
  // outlive the generation that they were published over.
  Result<std::shared_ptr<const std::vector<FoldedPlace>>> folded_places(const FreshEntries& records,
                                                                        const Transaction& txn);
  // Which of these records, as indices, a newer delta has too: those are dead.
  std::shared_ptr<const std::vector<std::uint32_t>> replaced_by(const FreshEntries& records,
                                                                const Delta& newer);

 private:
  std::mutex building_;  // one builder at a time
  mutable std::mutex mutex_;
  // All under mutex_.
  std::shared_ptr<const FreshSearch> search_;
  std::weak_ptr<const LmdbEnv> env_;
  std::uint64_t txn_ = 0;
  std::shared_ptr<const std::vector<FoldedPlace>> places_;  // in the state txn_ of env_
  struct Replaced {
    std::weak_ptr<const DeltaSearch> by;
    std::shared_ptr<const std::vector<std::uint32_t>> records;
  };
  std::vector<Replaced> replaced_;
};

// What queries search, newest first: of each delta itself, or its pieces. `deltas`: newest first.
std::vector<const Delta*> searched_deltas(const std::vector<const Delta*>& deltas);

}  // namespace jcn
