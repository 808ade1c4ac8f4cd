#include "front_coding.h"

#include <algorithm>

namespace jcn {

void FrontCodedWriter::add(std::string_view key, std::string_view payload) {
  std::size_t shared = 0;
  if (count_ % whole_key_interval == 0) {
    offsets_.push_back(static_cast<std::uint16_t>(entries_.size()));
  } else {
    const auto differ = std::mismatch(key.begin(), key.end(), last_key_.begin(), last_key_.end());
    shared = static_cast<std::size_t>(differ.first - key.begin());
  }
  ByteWriter out(entries_);
  out.varint(shared);
  out.text(key.substr(shared));
  out.raw(payload);
  last_key_.replace(shared, std::string::npos, key.substr(shared));
  ++count_;
}

std::string FrontCodedWriter::take() {
  std::string block;
  block.reserve(2 + 2 * offsets_.size() + entries_.size() + seal_bytes);
  ByteWriter out(block);
  out.u16le(static_cast<std::uint16_t>(offsets_.size()));
  for (const std::uint16_t offset : offsets_) out.u16le(offset);
  out.raw(entries_);
  entries_.clear();
  offsets_.clear();
  last_key_.clear();
  count_ = 0;
  return block;
}

FrontCodedReader::FrontCodedReader(std::string_view block) : block_(block), entries_({}) {
  ByteReader head(block);
  whole_keys_ = head.u16le();
  if (!head.ok() || whole_keys_ > head.left() / 2) {
    whole_keys_ = 0;
    malformed_ = true;
    return;
  }
  entries_ = ByteReader(block.substr(2 + 2 * std::size_t{whole_keys_}));
}

bool FrontCodedReader::next() {
  if (malformed_ || entries_.left() == 0) return false;
  const std::uint64_t shared = entries_.varint();
  const std::string_view rest = entries_.text();
  if (!entries_.ok() || shared > key_.size()) {
    malformed_ = true;
    return false;
  }
  key_.replace(static_cast<std::size_t>(shared), std::string::npos, rest);
  return true;
}

std::optional<std::string_view> FrontCodedReader::entries_from(std::uint32_t whole_key) const {
  if (whole_key >= whole_keys_) return std::nullopt;
  const std::uint16_t offset = ByteReader(block_.substr(2 + 2 * std::size_t{whole_key}, 2)).u16le();
  const std::string_view entries = block_.substr(2 + 2 * std::size_t{whole_keys_});
  if (offset >= entries.size()) return std::nullopt;
  return entries.substr(offset);
}

std::optional<std::string_view> FrontCodedReader::whole_key(std::uint32_t number) const {
  const auto entries = entries_from(number);
  if (!entries) return std::nullopt;
  ByteReader in(*entries);
  if (in.varint() != 0) return std::nullopt;
  const std::string_view key = in.text();
  if (!in.ok()) return std::nullopt;
  return key;
}

bool FrontCodedReader::go_to(std::uint32_t whole_key) {
  const auto entries = entries_from(whole_key);
  if (!entries) {
    malformed_ = true;
    return false;
  }
  entries_ = ByteReader(*entries);
  key_.clear();
  return true;
}

}  // namespace jcn
