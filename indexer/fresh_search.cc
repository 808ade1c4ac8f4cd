#include "fresh_search.h"

#include <algorithm>

#include "encoding.h"
#include "keys.h"
#include "rows.h"
#include "search_builder.h"
#include "segment_builder.h"

namespace jcn {

Result<std::shared_ptr<const FreshSearch>> FreshSearch::build(const FreshEntries& records) {
  auto made = std::make_shared<FreshSearch>();
  made->locals_.reserve(records.size());
  // Documents stay in their batches: of the segment's own sections only the keys are made.
  SegmentBuilder keys(0, [&](Section section, std::uint32_t number, std::string payload) {
    if (section == Section::keys) made->blocks_.add(section, number, std::move(payload));
    return Result<void>();
  });
  SearchBuilder builder;
  for (const FreshEntry& fresh : records) {
    const FreshRecord& record = fresh.batch->records[fresh.index];
    if (!record.present) {
      made->locals_.push_back(no_local);
      continue;
    }
    JCN_TRY(const SegmentEntry entry, fresh.batch->entry(record));
    const std::uint32_t local = keys.next_local();
    made->locals_.push_back(local);
    JCN_CHECK(keys.add(fresh.key, {}));
    const std::string_view kind = fresh.key.substr(0, fresh.key.find('\0'));
    std::optional<std::string_view> document;
    if (entry.exists) {
      document = entry_document(entry);
      if (!document) return damaged("a fresh record's entry");
    }
    builder.add(kind, local, document, entry.created_ns, entry.updated_ns);
  }
  JCN_TRY(const SegmentHead head, keys.finish());
  made->records_ = head.records;
  JCN_CHECK(builder.write(
      [&](Section section, std::uint32_t number, std::string payload) {
        made->blocks_.add(section, number, std::move(payload));
        return Result<void>();
      },
      keys.key_begins()));
  JCN_TRY(made->outline_, SearchOutline::read(made->blocks_, head));
  return std::shared_ptr<const FreshSearch>(std::move(made));
}

Result<std::shared_ptr<const FreshSearch>> DeltaSearch::search(const FreshEntries& records) {
  const auto ready = [this] {
    const std::lock_guard lock(mutex_);
    return search_;
  };
  if (auto made = ready()) return made;
  const std::lock_guard building(building_);
  if (auto made = ready()) return made;
  JCN_TRY(auto made, FreshSearch::build(records));
  const std::lock_guard lock(mutex_);
  search_ = made;
  return made;
}

Result<std::shared_ptr<const std::vector<FoldedPlace>>> DeltaSearch::folded_places(
    const FreshEntries& records, const Transaction& txn) {
  {
    const std::lock_guard lock(mutex_);
    if (places_ && txn_ == txn.id()) return places_;
  }
  auto places = std::make_shared<std::vector<FoldedPlace>>();
  for (const FreshEntry& fresh : records) {
    JCN_TRY(const auto bytes, txn.get(Table::ids, fresh.key));
    if (!bytes) continue;
    const auto row = decode_id_row(*bytes);
    if (!row) return damaged("a row of the ids table");
    places->push_back({row->segment, row->local});
  }
  std::sort(places->begin(), places->end());
  const std::lock_guard lock(mutex_);
  // Readers of two states take turns while a fold commits; the newer one stays.
  if (!places_ || txn.id() >= txn_) {
    txn_ = txn.id();
    places_ = places;
  }
  return std::shared_ptr<const std::vector<FoldedPlace>>(std::move(places));
}

std::shared_ptr<const std::vector<std::uint32_t>> DeltaSearch::replaced_by(
    const FreshEntries& records, const Delta& newer) {
  {
    const std::lock_guard lock(mutex_);
    for (const Replaced& known : replaced_) {
      if (known.by.lock() == newer.search) return known.records;
    }
  }
  auto found = std::make_shared<std::vector<std::uint32_t>>();
  for (const FreshEntry& fresh : newer.records) {
    const FreshEntry* old = find_fresh(records, fresh.key);
    if (old) found->push_back(static_cast<std::uint32_t>(old - records.data()));
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(replaced_, [](const Replaced& known) { return known.by.expired(); });
  replaced_.push_back({newer.search, found});
  return found;
}

std::shared_ptr<DeltaSearch> make_delta_search() {
  return std::make_shared<DeltaSearch>();
}

}  // namespace jcn
