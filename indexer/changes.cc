#include "jcn/changes.h"

#include <algorithm>
#include <vector>

#include "encoding.h"
#include "horizon.h"
#include "keys.h"
#include "rows.h"
#include "snapshot_state.h"

namespace jcn {
namespace {

struct FreshChange {
  std::uint64_t seq;
  const FreshEntry* entry;
};

// Whether one of the first `count` deltas has the key.
bool has_newer(const std::vector<const Delta*>& deltas, std::size_t count, std::string_view key) {
  for (std::size_t i = 0; i < count; ++i) {
    if (find_fresh(deltas[i]->records, key)) return true;
  }
  return false;
}

// Deltas follow one another in time: one that has nothing behind `after` costs nothing, so that who
// follows the head looks at the newest ones only.
std::vector<FreshChange> fresh_changes(const std::vector<const Delta*>& deltas,
                                       std::uint64_t after) {
  std::vector<FreshChange> changes;
  for (std::size_t i = 0; i < deltas.size(); ++i) {  // newest first
    if (deltas[i]->last_seq <= after) continue;
    for (const FreshEntry& entry : deltas[i]->records) {
      const std::uint64_t seq = entry.batch->records[entry.index].seq;
      if (seq > after && !has_newer(deltas, i, entry.key)) changes.push_back({seq, &entry});
    }
  }
  std::sort(changes.begin(), changes.end(),
            [](const FreshChange& a, const FreshChange& b) { return a.seq < b.seq; });
  return changes;
}

Result<Change> change_of(std::string_view key, std::uint64_t seq, const Hash128& rev,
                         bool deleted) {
  auto parsed = parse_record_key(key);
  if (!parsed) return damaged("a changed record's key");
  // One that does not exist has no rev.
  return Change{std::move(*parsed), seq, rev, deleted || rev == Hash128{}};
}

Result<Change> fresh_change(const FreshChange& fresh) {
  const FreshBatch& batch = *fresh.entry->batch;
  const FreshRecord& record = batch.records[fresh.entry->index];
  Hash128 rev;
  if (record.present) {
    JCN_TRY(const SegmentEntry entry, batch.entry(record));
    rev = entry.rev;
  }
  return change_of(fresh.entry->key, fresh.seq, rev, !record.present);
}

// False when `visit` has had enough.
Result<bool> walk_folded(SnapshotState& state, std::uint64_t after,
                         const std::function<bool(const Change&)>& visit) {
  JCN_TRY(Cursor cursor, state.txn().cursor(Table::changes));
  JCN_TRY(bool more, cursor.seek(change_key(after + 1)));
  while (more) {
    const auto row = decode_change_row(cursor.value());
    if (!row || cursor.key().size() != 8) return damaged("a row of the changes table");
    if (!has_newer(state.deltas(), state.deltas().size(), row->key)) {
      JCN_TRY(const Change change,
              change_of(row->key, read_be64(cursor.key()), row->rev, row->deleted));
      if (!visit(change)) return false;
    }
    JCN_TRY(more, cursor.next());
  }
  return true;
}

}  // namespace

Result<void> for_each_change(const Snapshot& snapshot, std::uint64_t after,
                             const std::function<bool(const Change&)>& visit) {
  SnapshotState& state = snapshot.state();
  if (after >= state.seq()) return {};
  // What is fresh has higher numbers than all that is folded.
  JCN_TRY(const bool go_on, walk_folded(state, after, visit));
  if (!go_on) return {};
  for (const FreshChange& fresh : fresh_changes(state.deltas(), after)) {
    JCN_TRY(const Change change, fresh_change(fresh));
    if (!visit(change)) return {};
  }
  return {};
}

Result<FeedHorizon> feed_horizon(const Snapshot& snapshot, const FeedPlace& place) {
  const SnapshotState& state = snapshot.state();
  FeedHorizon horizon;
  JCN_TRY(const HorizonRow row, read_horizon(state.txn()));
  horizon.pruned = row.pruned;
  const std::uint64_t tombstones_from = std::max(place.seq, place.until);
  if (tombstones_from > state.seq()) return horizon;
  // Whoever was told nothing has nothing to be deleted.
  if (place.seq > 0 && tombstones_from < row.pruned) return horizon;
  JCN_TRY(const std::vector<LostStretch> stretches, lost_stretches(state.txn()));
  horizon.continues = std::none_of(
      stretches.begin(), stretches.end(),
      [&](const LostStretch& lost) { return place.seq > lost.after && place.seq <= lost.last; });
  return horizon;
}

}  // namespace jcn
