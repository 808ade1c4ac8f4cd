#include "retention.h"

#include <algorithm>
#include <string>
#include <vector>

#include "encoding.h"
#include "horizon.h"
#include "keys.h"

namespace jcn {
namespace {

Result<void> write_horizon(WriteTxn& txn, const HorizonRow& row) {
  JCN_TRY([[maybe_unused]] const bool old, txn.put(Table::meta, meta_horizon, encode_horizon(row)));
  return {};
}

struct Tombstone {
  std::uint64_t seq;
  std::string key;
};

// The oldest tombstones, `most` at most. Moves row.searched to where the search ended.
Result<std::vector<Tombstone>> oldest_tombstones(const Transaction& txn, std::uint64_t most,
                                                 HorizonRow& row) {
  std::vector<Tombstone> found;
  JCN_TRY(Cursor cursor, txn.cursor(Table::changes));
  JCN_TRY(bool more, cursor.seek(change_key(row.searched + 1)));
  for (std::uint64_t looked = 0; more && found.size() < most && looked < most_changes_looked_at;
       ++looked) {
    auto change = decode_change_row(cursor.value());
    if (!change || cursor.key().size() != 8) return damaged("a row of the changes table");
    row.searched = read_be64(cursor.key());
    if (change->deleted) found.push_back({row.searched, std::move(change->key)});
    JCN_TRY(more, cursor.next());
  }
  return found;
}

}  // namespace

Result<void> prune_tombstones(WriteTxn& txn, std::uint64_t keep) {
  JCN_TRY(const auto there, txn.size(Table::tombstones));
  if (there.entries <= keep) return {};
  JCN_TRY(HorizonRow row, read_horizon(txn));
  JCN_TRY(const std::vector<Tombstone> old, oldest_tombstones(txn, there.entries - keep, row));
  for (const Tombstone& tombstone : old) {
    JCN_TRY([[maybe_unused]] const bool one, txn.erase(Table::tombstones, tombstone.key));
    JCN_TRY([[maybe_unused]] const bool two, txn.erase(Table::changes, change_key(tombstone.seq)));
    row.pruned = std::max(row.pruned, tombstone.seq);
  }
  return write_horizon(txn, row);
}

Result<void> remember_lost(WriteTxn& txn, std::uint64_t after, std::uint64_t last) {
  JCN_TRY([[maybe_unused]] const bool old,
          txn.put(Table::meta, meta_lost_key(after), encode_number(last)));
  JCN_TRY(const std::vector<LostStretch> all, lost_stretches(txn));
  if (all.size() <= most_lost_stretches) return {};
  // The oldest ones go: then nobody continues from numbers as old as they are.
  JCN_TRY(HorizonRow row, read_horizon(txn));
  for (std::size_t i = 0; i < all.size() - most_lost_stretches; ++i) {
    row.pruned = std::max(row.pruned, all[i].last + 1);
    JCN_TRY([[maybe_unused]] const bool erased,
            txn.erase(Table::meta, meta_lost_key(all[i].after)));
  }
  return write_horizon(txn, row);
}

}  // namespace jcn
