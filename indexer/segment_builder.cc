#include "segment_builder.h"

namespace jcn {

Result<void> SegmentBuilder::add(std::string_view key, std::string_view entry) {
  const std::size_t size = 4 + 4 * (ends_.size() + 1) + entries_.size() + entry.size();
  if (!ends_.empty() && size > block_bytes_) JCN_CHECK(close_documents());
  if (ends_.empty()) head_.first_locals.push_back(head_.records);
  entries_ += entry;
  ends_.push_back(static_cast<std::uint32_t>(entries_.size()));
  add_key(key);
  ++head_.records;
  return {};
}

void SegmentBuilder::add_key(std::string_view key) {
  if (!keys_.has_room(key.size(), key_block_bytes_)) key_blocks_.push_back(keys_.take());
  if (keys_.empty()) key_begins_.push_back({head_.records, std::string(key)});
  keys_.add(key);
}

Result<void> SegmentBuilder::close_documents() {
  std::string payload;
  payload.reserve(4 + 4 * ends_.size() + entries_.size() + seal_bytes);
  ByteWriter out(payload);
  out.u32le(static_cast<std::uint32_t>(ends_.size()));
  for (const std::uint32_t end : ends_) out.u32le(end);
  out.raw(entries_);
  entries_.clear();
  ends_.clear();
  const auto number = static_cast<std::uint32_t>(head_.first_locals.size() - 1);
  return sink_(Section::documents, number, std::move(payload));
}

Result<SegmentHead> SegmentBuilder::finish() {
  if (!ends_.empty()) JCN_CHECK(close_documents());
  if (!keys_.empty()) key_blocks_.push_back(keys_.take());
  for (std::string& payload : key_blocks_) {
    JCN_CHECK(sink_(Section::keys, head_.key_blocks++, std::move(payload)));
  }
  JCN_CHECK(sink_(Section::head, 0, encode_segment_head(head_)));
  return std::move(head_);
}

}  // namespace jcn
