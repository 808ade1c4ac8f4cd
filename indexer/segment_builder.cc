#include "segment_builder.h"

#include <algorithm>

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
  if (key_blocks_.empty() || key_blocks_.back().size() + key.size() + 4 > block_bytes_) {
    key_blocks_.emplace_back();
    last_key_.clear();
  }
  const auto differ = std::mismatch(key.begin(), key.end(), last_key_.begin(), last_key_.end());
  const auto shared = static_cast<std::size_t>(differ.first - key.begin());
  ByteWriter out(key_blocks_.back());
  out.varint(shared);
  out.text(key.substr(shared));
  last_key_ = key;
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
  for (std::string& payload : key_blocks_) {
    JCN_CHECK(sink_(Section::keys, head_.key_blocks++, std::move(payload)));
  }
  JCN_CHECK(sink_(Section::head, 0, encode_segment_head(head_)));
  return std::move(head_);
}

}  // namespace jcn
