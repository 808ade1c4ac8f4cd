#include "horizon.h"

#include "encoding.h"

namespace jcn {

Result<HorizonRow> read_horizon(const Transaction& txn) {
  JCN_TRY(const auto bytes, txn.get(Table::meta, meta_horizon));
  if (!bytes) return HorizonRow{};
  const auto row = decode_horizon(*bytes);
  if (!row) return damaged("the feed's horizon");
  return *row;
}

Result<std::vector<LostStretch>> lost_stretches(const Transaction& txn) {
  std::vector<LostStretch> found;
  JCN_TRY(Cursor cursor, txn.cursor(Table::meta));
  JCN_TRY(bool more, cursor.seek(meta_lost_key(0)));
  while (more) {
    const auto after = lost_after(cursor.key());
    if (!after) break;  // behind the last one
    const auto last = decode_number(cursor.value());
    if (!last) return damaged("a lost stretch of numbers");
    found.push_back({*after, *last});
    JCN_TRY(more, cursor.next());
  }
  return found;
}

}  // namespace jcn
