// Front coding: sorted keys in a block, each as what it shares with the key before it, and the
// rest. Every 16th key is whole, and the block tells where it is, so that a block is searched by
// halves. An entry may have a payload behind its key, which whoever reads it must know the end of.
// Layout: doc/format.md. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "encoding.h"

namespace jcn {

inline constexpr std::uint32_t whole_key_interval = 16;

class FrontCodedWriter {
 public:
  bool empty() const { return count_ == 0; }
  // One more entry of so many bytes, key and payload, keeps the block within `block_bytes`; the
  // first always does. Offsets have 16 bits, so no block is larger than they can tell.
  bool has_room(std::size_t entry_bytes, std::size_t block_bytes) const {
    constexpr std::size_t lengths = 6;
    const std::size_t size =
        2 + 2 * (offsets_.size() + 1) + entries_.size() + lengths + entry_bytes;
    return empty() || size <= std::min<std::size_t>(block_bytes, 0xffff);
  }
  // `key` is greater than all before in the block.
  void add(std::string_view key, std::string_view payload = {});
  // The block; the next key begins another.
  std::string take();

 private:
  std::string entries_, last_key_;
  std::vector<std::uint16_t> offsets_;  // of whole keys, in entries_
  std::uint32_t count_ = 0;
};

// Reads within bounds: malformed bytes end it, and make ok() false.
class FrontCodedReader {
 public:
  // Without a block: at the end.
  FrontCodedReader() : entries_({}) {}
  explicit FrontCodedReader(std::string_view block);

  // Reads the next key; false at the end, and when it is malformed.
  bool next();
  const std::string& key() const { return key_; }
  // Stands behind the key: what reads the payload leaves it at the next entry.
  ByteReader& payload() { return entries_; }
  bool done() const { return entries_.done(); }
  bool ok() const { return entries_.ok() && !malformed_; }

  std::uint32_t whole_keys() const { return whole_keys_; }
  // Absent: malformed.
  std::optional<std::string_view> whole_key(std::uint32_t number) const;
  // The next key read is that one; false: malformed.
  bool go_to(std::uint32_t whole_key);

 private:
  std::optional<std::string_view> entries_from(std::uint32_t whole_key) const;

  std::string_view block_;
  ByteReader entries_;
  std::uint32_t whole_keys_ = 0;
  bool malformed_ = false;
  std::string key_;
};

}  // namespace jcn
