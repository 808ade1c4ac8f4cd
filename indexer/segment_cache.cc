#include "segment_cache.h"

#include <mutex>

#include "encoding.h"
#include "keys.h"

namespace jcn {
namespace {

constexpr std::size_t cached_heads =
    512;  // beyond, all are forgotten: merged segments leave theirs
constexpr std::size_t cached_kinds = 64;  // beyond, all are forgotten

}  // namespace

Result<std::string_view> LmdbBlocks::block(Section section, std::uint32_t number) {
  if (last_ && *last_ == std::pair(section, number)) return last_payload_;
  const std::string key = segment_key(segment_, static_cast<std::uint8_t>(section), number);
  JCN_TRY(const auto sealed, txn_->get(Table::segments, key));
  const auto payload = sealed ? unseal(*sealed) : std::nullopt;
  if (!payload) {
    return damaged("segment " + std::to_string(segment_) + ", section " +
                   std::to_string(static_cast<int>(section)) + ", block " + std::to_string(number) +
                   (sealed ? " is not as it was written" : " is missing"));
  }
  last_ = {section, number};
  last_payload_ = *payload;
  return last_payload_;
}

Result<std::shared_ptr<const SegmentHead>> SegmentCache::head(const Transaction& txn,
                                                              std::uint32_t segment) {
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = heads_.find(segment); found != heads_.end()) return found->second;
  }
  LmdbBlocks blocks(txn, segment);
  JCN_TRY(const std::string_view payload, blocks.block(Section::head, 0));
  auto decoded = decode_segment_head(payload);
  if (!decoded) return damaged("head of segment " + std::to_string(segment));
  auto head = std::make_shared<const SegmentHead>(std::move(*decoded));
  const std::unique_lock lock(mutex_);
  if (heads_.size() >= cached_heads) heads_.clear();
  heads_[segment] = head;
  return head;
}

Result<std::shared_ptr<const Dictionary>> SegmentCache::dictionary(const Transaction& txn,
                                                                   std::uint32_t number) {
  if (number == 0) return std::shared_ptr<const Dictionary>();
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = dictionaries_.find(number); found != dictionaries_.end()) {
      return found->second;
    }
  }
  JCN_TRY(const auto sealed, txn.get(Table::dictionaries, dictionary_key(number)));
  const auto payload = sealed ? unseal(*sealed) : std::nullopt;
  if (!payload) return damaged("dictionary " + std::to_string(number));
  auto dictionary = std::make_shared<const Dictionary>(number, std::string(*payload));
  const std::unique_lock lock(mutex_);
  return dictionaries_.emplace(number, std::move(dictionary)).first->second;
}

Result<std::shared_ptr<const SearchOutline>> SegmentCache::outline(const Transaction& txn,
                                                                   std::uint32_t segment) {
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = outlines_.find(segment); found != outlines_.end()) return found->second;
  }
  JCN_TRY(const auto known_head, head(txn, segment));
  LmdbBlocks blocks(txn, segment);
  JCN_TRY(auto outline, SearchOutline::read(blocks, *known_head));
  const std::unique_lock lock(mutex_);
  if (outlines_.size() >= cached_heads) outlines_.clear();
  outlines_[segment] = outline;
  return outline;
}

Result<std::shared_ptr<const std::vector<std::uint32_t>>> SegmentCache::segments(
    const Transaction& txn) {
  {
    const std::shared_lock lock(mutex_);
    if (listed_ && listed_txn_ == txn.id()) return listed_;
  }
  auto numbers = std::make_shared<std::vector<std::uint32_t>>();
  JCN_TRY(Cursor cursor, txn.cursor(Table::segments));
  std::string from;
  while (true) {
    JCN_TRY(const bool found, cursor.seek(from));
    if (!found) break;
    const auto parts = parse_segment_key(cursor.key());
    if (!parts) return damaged("a key of the segments table");
    if (parts->section == static_cast<std::uint8_t>(Section::head)) {
      numbers->push_back(parts->segment);
    }
    from = segment_key(parts->segment + 1, 0, 0);
  }
  const std::unique_lock lock(mutex_);
  listed_txn_ = txn.id();
  listed_ = numbers;
  return std::shared_ptr<const std::vector<std::uint32_t>>(std::move(numbers));
}

std::shared_ptr<const FoldedParts> SegmentCache::parts(std::uint64_t txn, const std::string& kind) {
  const std::shared_lock lock(mutex_);
  if (parts_txn_ != txn) return nullptr;
  const auto found = parts_.find(kind);
  return found == parts_.end() ? nullptr : found->second;
}

void SegmentCache::keep_parts(std::uint64_t txn, const std::string& kind,
                              std::shared_ptr<const FoldedParts> parts) {
  const std::unique_lock lock(mutex_);
  if (parts_txn_ > txn) return;  // a reader that stayed behind
  if (parts_txn_ != txn || parts_.size() >= cached_kinds) parts_.clear();
  parts_txn_ = txn;
  parts_[kind] = std::move(parts);
}

void SegmentCache::forget_segment(std::uint32_t segment) {
  const std::unique_lock lock(mutex_);
  heads_.erase(segment);
  outlines_.erase(segment);
}

}  // namespace jcn
