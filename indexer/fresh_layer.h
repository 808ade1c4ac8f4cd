// The fresh layer: what is visible and not yet in LMDB, as a short list of immutable deltas.
//
// Invariants:
// 1. A FreshBatch is what one publish brought; it never changes. A Delta is a sorted index over one
//    or more batches in which the newest entry of each key has won.
// 2. In a list of deltas, a later one is newer. Sizes at least halve from one to the next, so that
//    a list of n entries has at most log2(n) + 1 deltas, and each entry is copied log2(n) times.
// 3. Frozen deltas (being folded) are never merged with others.
// 4. Queries search a large delta by its pieces, so that merging deltas does not throw away what
//    was worked out of them: a piece of piece_work or more stays as it is until it is folded. Of
//    two neighbours among the pieces, at least one is so large; none is twice as large, but by a
//    record. So what a query has to make searchable itself it makes in short steps that last.
//
// Everything but PublishedState is immutable once shared, and so readable from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/index_writer.h"
#include "jcn/snapshot.h"
#include "segment.h"
#include "surely.h"

namespace jcn {

struct FreshRecord {
  std::uint64_t seq = 0;
  bool present = false;  // false: removed
  bool exists = false;
  std::uint32_t local = 0;  // in the batch's segment, when present
};

struct FreshBatch {
  std::vector<std::string> record_keys, file_keys, body_keys, note_keys;  // each in order
  std::vector<FreshRecord> records;
  std::vector<std::optional<std::string>> files;  // encoded rows
  std::vector<std::optional<std::string>> bodies;
  std::vector<std::optional<std::string>> notes;
  MemoryBlocks blocks;
  std::shared_ptr<const SegmentHead> segment;  // null without present records
  std::uint64_t bytes = 0;

  // The entry of a present record.
  Result<SegmentEntry> entry(const FreshRecord& record) const;
};

// One key's newest state: the index-th row of its batch.
struct FreshEntry {
  std::string_view key;  // inside the batch
  std::shared_ptr<const FreshBatch> batch;
  std::uint32_t index = 0;
  std::uint32_t work = 1;  // of records: to make it searchable, in records like most
};
using FreshEntries = std::vector<FreshEntry>;  // by key, each once
// How long a record takes to be made searchable, in records like most: of up to 2 KiB, with up to
// 32 members. Much text, and many names, take their time.
std::uint32_t work_of_document(std::string_view document);
std::uint64_t work_of(const FreshEntries& records);

class DeltaSearch;  // fresh_search.h
std::shared_ptr<DeltaSearch> make_delta_search();

inline constexpr std::uint64_t piece_work = 2048;

struct Delta {
  FreshEntries records, files, bodies, notes;
  FreshEntries rejects;        // files that are rejects, or were before this delta
  std::uint64_t work = 0;      // of the records
  std::uint64_t last_seq = 0;  // the largest of the records; 0: none
  // Deltas, older first, whose records together are this one's, and entries that they replaced.
  // Empty: it is its own piece.
  std::vector<std::shared_ptr<const Delta>> pieces;
  // What queries work out of the records, when the first of them asks.
  const std::shared_ptr<DeltaSearch> search = make_delta_search();
  bool is_finished_piece() const { return pieces.empty() && work >= piece_work; }
  std::size_t size() const { return records.size() + files.size() + bodies.size() + notes.size(); }
};
using Deltas = std::vector<std::shared_ptr<const Delta>>;
// Gives a delta its records, none of which has a piece yet. Those of a large one are cut into
// pieces.
void set_records(Delta& delta, FreshEntries records);

const FreshEntry* find_fresh(const FreshEntries& entries, std::string_view key);
std::shared_ptr<const Delta> merge_deltas(const std::shared_ptr<const Delta>& older,
                                          const std::shared_ptr<const Delta>& newer);
// Adds the newest delta and restores invariant 2.
void push_delta(Deltas& deltas, std::shared_ptr<const Delta> delta);
std::shared_ptr<const Delta> merge_all(const Deltas& deltas);

class SegmentCache;  // segment_cache.h

// One published state. It fits LMDB transaction `txn` of one generation, and while a write
// transaction is being committed also the one after.
struct Published {
  enum class Next : std::uint8_t { none, same, folded };
  std::shared_ptr<SegmentCache> cache;  // the generation's
  Hash128 uuid;
  std::uint64_t txn = 0;
  Next next = Next::none;  // what goes with txn + 1: nothing, all deltas, all but the frozen ones
  Deltas frozen, fresh;
  std::uint64_t seq = 0;
  std::shared_ptr<const IndexCounts> counts;
  FreshStats fresh_stats;
  // As they were when the frozen deltas were frozen: what their fold will store.
  FreshStats frozen_stats;
  std::uint64_t frozen_seq = 0;
  std::shared_ptr<const IndexCounts> frozen_counts;
};

class PublishedState {
 public:
  std::shared_ptr<const Published> load() const {
    const std::lock_guard lock(mutex_);
    return published_;
  }
  // Replaces the state by what `change` makes of a copy.
  template <class Change>
  void update(Change change) {
    const std::lock_guard updating(update_mutex_);
    auto next = std::make_shared<Published>(*load());
    change(*next);
    store(std::move(next));
  }
  template <class Change>
  void update_surely(Change change) {
    surely([&] { update(change); });
  }
  void store(std::shared_ptr<const Published> published) {
    const std::lock_guard lock(mutex_);
    published_.swap(published);  // the old one is freed outside of the lock
  }

 private:
  std::mutex update_mutex_;  // one change at a time
  mutable std::mutex mutex_;
  std::shared_ptr<const Published> published_ = std::make_shared<Published>();  // under mutex_
};

}  // namespace jcn
