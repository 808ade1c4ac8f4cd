#include "search_parts.h"

#include <algorithm>

#include "encoding.h"
#include "fresh_search.h"
#include "living.h"
#include "snapshot_state.h"

namespace jcn {
namespace {

// Takes the orphans away: every existing record has a time of creation, and they have none.
Result<void> leave_existing(const SegmentSearch& search, const SegmentKind& kind,
                            PlaceSet& living) {
  const SegmentField* created = search.outline().field(kind, created_field);
  if (!created) {
    living = PlaceSet(living.size());
    return {};
  }
  JCN_TRY(const auto entry, search.find(*created, marker_key(KeyType::present)));
  if (!entry) return damaged("a segment's times are without their marker");
  if (entry->documents == living.size()) return {};
  PlaceSet existing(living.size());
  JCN_CHECK(search.add_places(*created, *entry, existing));
  living &= existing;
  return {};
}

Result<std::shared_ptr<const FoldedParts>> folded_parts(SegmentCache& cache, const Transaction& txn,
                                                        const std::string& kind,
                                                        const LookAtClock& look) {
  if (auto known = cache.parts(txn.id(), kind)) return known;
  auto parts = std::make_shared<FoldedParts>();
  JCN_TRY(const auto segments, cache.segments(txn));
  for (const std::uint32_t number : *segments) {
    JCN_CHECK(look());
    FoldedPart part;
    part.segment = number;
    JCN_TRY(part.outline, cache.outline(txn, number));
    part.kind = part.outline->kind(kind);
    if (!part.kind) continue;
    JCN_TRY(part.living, read_living_places(txn, number, part.kind->first, part.kind->end));
    LmdbBlocks blocks(txn, number);
    JCN_CHECK(leave_existing(SegmentSearch(part.outline, blocks), *part.kind, part.living));
    if (!part.living.none()) parts->push_back(std::move(part));
  }
  cache.keep_parts(txn.id(), kind, parts);
  return std::shared_ptr<const FoldedParts>(std::move(parts));
}

}  // namespace

Result<void> SnapshotState::add_fresh_parts(const std::string& kind,
                                            const std::vector<const Delta*>& deltas,
                                            const LookAtClock& look,
                                            std::vector<SearchPart>& parts) {
  for (std::size_t i = 0; i < deltas.size(); ++i) {
    JCN_CHECK(look());
    const Delta& delta = *deltas[i];
    JCN_TRY(const auto fresh, delta.search->search(delta.records));
    SearchPart part;
    part.kind = fresh->outline()->kind(kind);
    if (!part.kind) continue;
    // Reading memory changes nothing in it, but BlockSource is made for sources that keep a place.
    part.search = std::make_unique<SegmentSearch>(fresh->outline(),
                                                  const_cast<MemoryBlocks&>(fresh->blocks()));
    part.living = PlaceSet(part.places(), true);
    for (std::size_t newer = 0; newer < i; ++newer) {
      const auto replaced = delta.search->replaced_by(delta.records, *deltas[newer]);
      for (const std::uint32_t record : *replaced) {
        const std::uint32_t local = fresh->locals()[record];
        if (local != FreshSearch::no_local && local >= part.kind->first && local < part.kind->end) {
          part.living.reset(local - part.kind->first);
        }
      }
    }
    JCN_CHECK(leave_existing(*part.search, *part.kind, part.living));
    if (!part.living.none()) parts.push_back(std::move(part));
  }
  return {};
}

Result<void> SnapshotState::add_folded_parts(const std::string& kind,
                                             const std::vector<const Delta*>& deltas,
                                             const LookAtClock& look,
                                             std::vector<SearchPart>& parts) {
  std::vector<std::shared_ptr<const std::vector<FoldedPlace>>> replaced;
  for (const Delta* delta : deltas) {
    JCN_TRY(auto places, delta->search->folded_places(delta->records, txn_));
    replaced.push_back(std::move(places));
  }
  JCN_TRY(const auto folded, folded_parts(*cache_, txn_, kind, look));
  for (const FoldedPart& known : *folded) {
    SearchPart part;
    part.kind = known.kind;
    part.segment = known.segment;
    part.living = known.living;
    const std::uint32_t first = part.kind->first, end = part.kind->end;
    for (const auto& places : replaced) {
      auto at = std::lower_bound(places->begin(), places->end(), FoldedPlace{known.segment, first});
      for (; at != places->end() && at->segment == known.segment && at->local < end; ++at) {
        part.living.reset(at->local - first);
      }
    }
    if (part.living.none()) continue;
    search_blocks_.push_back(std::make_unique<LmdbBlocks>(txn_, known.segment));
    part.search = std::make_unique<SegmentSearch>(known.outline, *search_blocks_.back());
    parts.push_back(std::move(part));
  }
  return {};
}

Result<std::vector<SearchPart>> SnapshotState::search_parts(const std::string& kind,
                                                            const LookAtClock& look) {
  std::vector<SearchPart> parts;
  const std::vector<const Delta*> searched = searched_deltas(deltas_);
  JCN_CHECK(add_fresh_parts(kind, searched, look, parts));
  JCN_CHECK(add_folded_parts(kind, searched, look, parts));
  return parts;
}

Result<std::vector<SearchPart>> search_parts(SnapshotState& snapshot, const std::string& kind,
                                             const LookAtClock& look) {
  return snapshot.search_parts(kind, look);
}

}  // namespace jcn
