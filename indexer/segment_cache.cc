#include "segment_cache.h"

#include <mutex>

#include "encoding.h"
#include "keys.h"

namespace jcn {
namespace {

constexpr std::size_t cached_heads =
    512;  // beyond, all are forgotten: merged segments leave theirs

}  // namespace

Result<std::string_view> LmdbBlocks::block(Section section, std::uint32_t number) {
  if (last_ && *last_ == std::pair(section, number)) return last_payload_;
  const std::string key = segment_key(segment_, static_cast<std::uint8_t>(section), number);
  JCN_TRY(const auto sealed, txn_->get(Table::segments, key));
  const std::string where = "segment " + std::to_string(segment_) + ", section " +
                            std::to_string(static_cast<int>(section)) + ", block " +
                            std::to_string(number);
  if (!sealed) return damaged(where + " is missing");
  const auto payload = unseal(*sealed);
  if (!payload) return damaged(where + " is not as it was written");
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

void SegmentCache::forget_head(std::uint32_t segment) {
  const std::unique_lock lock(mutex_);
  heads_.erase(segment);
}

}  // namespace jcn
