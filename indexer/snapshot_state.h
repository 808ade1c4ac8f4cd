// The inside of a Snapshot: a read transaction and the deltas that go with it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fresh_layer.h"
#include "layered_cursor.h"
#include "lmdb_env.h"
#include "search_parts.h"
#include "segment_cache.h"

namespace jcn {

// One thread at a time.
class SnapshotState {
 public:
  // A state that fits the published one, whatever is being committed meanwhile.
  static Result<std::unique_ptr<SnapshotState>> acquire(const PublishedState& published);
  // What LMDB holds, without a fresh layer.
  static Result<std::unique_ptr<SnapshotState>> of_folded(std::shared_ptr<SegmentCache> cache);

  ~SnapshotState();

  const Hash128& uuid() const { return uuid_; }
  std::uint64_t seq() const { return published_->seq; }
  const IndexCounts& counts() const { return *published_->counts; }
  Result<std::optional<std::string>> note(std::string_view name) const;

  const Transaction& txn() const { return txn_; }
  SegmentCache& cache() const { return *cache_; }
  const std::vector<const Delta*>& deltas() const { return deltas_; }  // newest first

  // Where a record's newest state lies. `fresh` and `folded` both unset: there is none.
  struct RecordPlace {
    const FreshEntry* fresh = nullptr;
    std::optional<IdRow> folded;
    bool found() const { return fresh || folded; }
    bool exists() const;
  };
  Result<RecordPlace> find_record(std::string_view key) const;
  Result<SegmentEntry> entry(const RecordPlace& place);
  Result<Record> unpack(const RecordPlace& place, std::string_view key);
  // Of a record that is known to stand there.
  Result<Record> unpack(std::uint32_t segment, std::uint32_t local, RecordKey key);

  // The encoded row, from memory or LMDB; absent: no such file.
  Result<std::optional<std::string_view>> file_row(std::string_view key) const;
  Result<std::optional<std::string>> body(std::string_view key);

  // search_parts.h
  Result<std::vector<SearchPart>> search_parts(const std::string& kind, const LookAtClock& look);

  Result<LayeredCursor> walk_records() const;
  Result<LayeredCursor> walk_files() const;
  Result<LayeredCursor> walk_rejects() const;
  Result<LayeredCursor> walk_bodies() const;
  // The place where a cursor of walk_records stands; not found: removed.
  static Result<RecordPlace> place(const LayeredCursor& cursor);

 private:
  SnapshotState(ReadTxn txn, std::shared_ptr<SegmentCache> cache,
                std::shared_ptr<const Published> published, const Hash128& uuid, bool with_frozen);
  Result<LayeredCursor> walk(FreshEntries Delta::*entries, Table table) const;
  const FreshEntry* find(FreshEntries Delta::*entries, std::string_view key) const;
  struct OpenSegment;
  Result<OpenSegment*> open_segment(std::uint32_t number);
  // `deltas`: as they are searched (fresh_search.h), newest first.
  static Result<void> add_fresh_parts(const std::string& kind,
                                      const std::vector<const Delta*>& deltas,
                                      const LookAtClock& look, std::vector<SearchPart>& parts);
  Result<void> add_folded_parts(const std::string& kind, const std::vector<const Delta*>& deltas,
                                const LookAtClock& look, std::vector<SearchPart>& parts);

  const std::shared_ptr<SegmentCache> cache_;
  const std::shared_ptr<const Published> published_;
  const Hash128 uuid_;
  const ReadTxn txn_;
  std::vector<const Delta*> deltas_;  // newest first; published_ keeps them
  std::map<std::uint32_t, std::unique_ptr<OpenSegment>> segments_;
  std::vector<std::unique_ptr<LmdbBlocks>> search_blocks_;  // of search parts
};

}  // namespace jcn
