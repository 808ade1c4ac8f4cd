#include "fresh_layer.h"

#include <algorithm>

namespace jcn {
namespace {

constexpr std::size_t common_bytes = 2048, common_members = 32;

FreshEntries merge_entries(const FreshEntries& older, const FreshEntries& newer) {
  FreshEntries merged;
  merged.reserve(older.size() + newer.size());
  auto a = older.begin();
  auto b = newer.begin();
  while (a != older.end() && b != newer.end()) {
    const int order = a->key.compare(b->key);
    if (order < 0) {
      merged.push_back(*a++);
    } else {
      merged.push_back(*b++);
      if (order == 0) ++a;
    }
  }
  merged.insert(merged.end(), a, older.end());
  merged.insert(merged.end(), b, newer.end());
  return merged;
}

void add_pieces(Deltas& pieces, const std::shared_ptr<const Delta>& of) {
  if (of->pieces.empty()) {
    if (!of->records.empty()) pieces.push_back(of);
  } else {
    pieces.insert(pieces.end(), of->pieces.begin(), of->pieces.end());
  }
}

// A piece with the records of both.
std::shared_ptr<const Delta> join_pieces(const Delta& older, const Delta& newer) {
  auto joined = std::make_shared<Delta>();
  joined->records = merge_entries(older.records, newer.records);
  joined->work = work_of(joined->records);
  return joined;
}

Deltas merge_pieces(const std::shared_ptr<const Delta>& older,
                    const std::shared_ptr<const Delta>& newer) {
  Deltas pieces;
  add_pieces(pieces, older);
  const std::size_t border = pieces.size();
  add_pieces(pieces, newer);
  if (border == 0 || border == pieces.size()) return pieces;
  const auto at = pieces.begin() + static_cast<std::ptrdiff_t>(border);
  if (!(*at)->is_finished_piece() && !at[-1]->is_finished_piece()) {
    at[-1] = join_pieces(*at[-1], **at);
    pieces.erase(at);
  }
  return pieces;
}

}  // namespace

Result<SegmentEntry> FreshBatch::entry(const FreshRecord& record) const {
  // Reading memory changes nothing in it, but BlockSource is made for sources that keep a place.
  return Segment(segment, const_cast<MemoryBlocks&>(blocks)).entry(record.local);
}

std::uint32_t work_of_document(std::string_view document) {
  std::size_t members = 0;  // at most: it may stand in strings, too
  for (std::size_t at = 0; (at = document.find(':', at)) != std::string_view::npos; ++at) {
    if (at > 0 && document[at - 1] == '"') ++members;
  }
  return static_cast<std::uint32_t>(
      std::max({std::size_t{1}, document.size() / common_bytes, members / common_members}));
}

std::uint64_t work_of(const FreshEntries& records) {
  std::uint64_t work = 0;
  for (const FreshEntry& record : records) work += record.work;
  return work;
}

void set_records(Delta& delta, FreshEntries records) {
  delta.records = std::move(records);
  delta.work = work_of(delta.records);
  if (delta.work < 2 * piece_work) return;
  std::shared_ptr<Delta> piece;
  for (const FreshEntry& record : delta.records) {
    if (!piece || piece->is_finished_piece()) {
      piece = std::make_shared<Delta>();
      delta.pieces.push_back(piece);
    }
    piece->records.push_back(record);
    piece->work += record.work;
  }
}

const FreshEntry* find_fresh(const FreshEntries& entries, std::string_view key) {
  const auto at =
      std::lower_bound(entries.begin(), entries.end(), key,
                       [](const FreshEntry& entry, std::string_view k) { return entry.key < k; });
  return at != entries.end() && at->key == key ? &*at : nullptr;
}

std::shared_ptr<const Delta> merge_deltas(const std::shared_ptr<const Delta>& older,
                                          const std::shared_ptr<const Delta>& newer) {
  auto merged = std::make_shared<Delta>();
  merged->records = merge_entries(older->records, newer->records);
  merged->work = work_of(merged->records);
  merged->files = merge_entries(older->files, newer->files);
  merged->bodies = merge_entries(older->bodies, newer->bodies);
  merged->notes = merge_entries(older->notes, newer->notes);
  merged->rejects = merge_entries(older->rejects, newer->rejects);
  merged->last_seq = std::max(older->last_seq, newer->last_seq);
  // Small ones become one piece, which is the merged delta itself.
  const auto small = [](const Delta& delta) {
    return delta.pieces.empty() && !delta.is_finished_piece();
  };
  if (!small(*older) || !small(*newer)) merged->pieces = merge_pieces(older, newer);
  return merged;
}

void push_delta(Deltas& deltas, std::shared_ptr<const Delta> delta) {
  deltas.push_back(std::move(delta));
  while (deltas.size() > 1) {
    const std::shared_ptr<const Delta>& newer = deltas.back();
    const std::shared_ptr<const Delta>& older = deltas[deltas.size() - 2];
    if (older->size() > 2 * newer->size()) break;
    std::shared_ptr<const Delta> merged = merge_deltas(older, newer);
    deltas.pop_back();
    deltas.back() = std::move(merged);
  }
}

std::shared_ptr<const Delta> merge_all(const Deltas& deltas) {
  if (deltas.empty()) return std::make_shared<Delta>();
  std::shared_ptr<const Delta> merged = deltas.back();  // the smallest first
  for (std::size_t i = deltas.size() - 1; i-- > 0;) merged = merge_deltas(deltas[i], merged);
  return merged;
}

}  // namespace jcn
