#include "fresh_search.h"

#include <algorithm>

#include "encoding.h"
#include "keys.h"
#include "rows.h"
#include "search_builder.h"
#include "segment_builder.h"

namespace jcn {
namespace {

using FreshAt = FreshEntries::const_iterator;

// The first entry whose key is not less: looked for in steps that double, then by halves.
FreshAt find_from(FreshAt from, FreshAt end, std::string_view key) {
  std::ptrdiff_t step = 1;
  while (step < end - from && from[step].key < key) {
    from += step;
    step *= 2;
  }
  return std::lower_bound(
      from, from + std::min(step + 1, end - from), key,
      [](const FreshEntry& entry, std::string_view wanted) { return entry.key < wanted; });
}

}  // namespace

Result<std::shared_ptr<const FreshSearch>> FreshSearch::make(const FreshEntries& records,
                                                             const Write& write) {
  auto made = std::make_shared<FreshSearch>();
  made->locals_.reserve(records.size());
  // Documents stay in their batches: of the segment's own sections only the keys are made.
  SegmentBuilder keys(0, [&](Section section, std::uint32_t number, std::string payload) {
    if (section == Section::keys) made->blocks_.add(section, number, std::move(payload));
    return Result<void>();
  });
  for (const FreshEntry& fresh : records) {
    if (!fresh.batch->records[fresh.index].present) {
      made->locals_.push_back(no_local);
      continue;
    }
    made->locals_.push_back(keys.next_local());
    JCN_CHECK(keys.add(fresh.key, {}));
  }
  JCN_TRY(const SegmentHead head, keys.finish());
  made->records_ = head.records;
  JCN_CHECK(write(
      [&](Section section, std::uint32_t number, std::string payload) {
        made->blocks_.add(section, number, std::move(payload));
        return Result<void>();
      },
      keys.key_begins()));
  JCN_TRY(made->outline_, SearchOutline::read(made->blocks_, head));
  return std::shared_ptr<const FreshSearch>(std::move(made));
}

Result<std::shared_ptr<const FreshSearch>> FreshSearch::build(const FreshEntries& records) {
  SearchBuilder builder;
  std::uint32_t local = 0;
  for (const FreshEntry& fresh : records) {
    const FreshRecord& record = fresh.batch->records[fresh.index];
    if (!record.present) continue;
    JCN_TRY(const SegmentEntry entry, fresh.batch->entry(record));
    const std::string_view kind = fresh.key.substr(0, fresh.key.find('\0'));
    std::optional<std::string_view> document;
    if (entry.exists) {
      document = entry_document(entry);
      if (!document) return damaged("a fresh record's entry");
    }
    builder.add(kind, local++, document, entry.created_ns, entry.updated_ns, entry.since_ns);
  }
  return make(records, [&](SearchWriter::Sink sink, std::vector<BlockBegin> key_blocks) {
    return builder.write(std::move(sink), std::move(key_blocks));
  });
}

std::shared_ptr<const FreshSearch> DeltaSearch::made() const {
  const std::lock_guard lock(mutex_);
  return search_;
}

Result<std::shared_ptr<const FreshSearch>> DeltaSearch::search(const FreshEntries& records) {
  return search([&] { return FreshSearch::build(records); });
}

Result<std::shared_ptr<const FreshSearch>> DeltaSearch::search(
    const std::function<Result<std::shared_ptr<const FreshSearch>>()>& make) {
  if (auto ready = made()) return ready;
  const std::lock_guard building(building_);
  if (auto ready = made()) return ready;
  JCN_TRY(auto search, make());
  const std::lock_guard lock(mutex_);
  search_ = search;
  return search;
}

Result<bool> DeltaSearch::make_unless_begun(const FreshEntries& records) {
  const std::unique_lock building(building_, std::try_to_lock);
  if (!building.owns_lock() || made()) return false;
  JCN_TRY(auto search, FreshSearch::build(records));
  const std::lock_guard lock(mutex_);
  search_ = std::move(search);
  return true;
}

Result<std::shared_ptr<const std::vector<FoldedPlace>>> DeltaSearch::folded_places(
    const FreshEntries& records, const Transaction& txn) {
  const auto of_this_env = [&] {
    return !env_.owner_before(txn.env()) && !txn.env().owner_before(env_);
  };
  {
    const std::lock_guard lock(mutex_);
    if (places_ && of_this_env() && txn_ == txn.id()) return places_;
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
  if (!places_ || !of_this_env() || txn.id() >= txn_) {
    env_ = txn.env();
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
  // From the place of the key before: of two large pieces, most steps are short.
  auto from = records.begin();
  for (const FreshEntry& fresh : newer.records) {
    from = find_from(from, records.end(), fresh.key);
    if (from == records.end()) break;
    if (from->key == fresh.key) {
      found->push_back(static_cast<std::uint32_t>(from - records.begin()));
    }
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(replaced_, [](const Replaced& known) { return known.by.expired(); });
  replaced_.push_back({newer.search, found});
  return found;
}

std::vector<const Delta*> searched_deltas(const std::vector<const Delta*>& deltas) {
  std::vector<const Delta*> searched;
  for (const Delta* delta : deltas) {
    if (delta->records.empty()) continue;
    if (delta->pieces.empty() || delta->search->made()) {
      searched.push_back(delta);
      continue;
    }
    for (auto piece = delta->pieces.rbegin(); piece != delta->pieces.rend(); ++piece) {
      searched.push_back(piece->get());
    }
  }
  return searched;
}

std::shared_ptr<DeltaSearch> make_delta_search() {
  return std::make_shared<DeltaSearch>();
}

}  // namespace jcn
