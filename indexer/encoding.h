// The one home of byte encodings, shared by what is kept in memory and in LMDB (doc/format.md):
// LEB128 varints, zigzag for signed numbers, little-endian fixed parts, length-prefixed texts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jcn/record.h"
#include "jcn/result.h"

namespace jcn {

// Appends to a string that outlives it.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  void u8(std::uint8_t value) { out_ += static_cast<char>(value); }
  void u16le(std::uint16_t value);
  void u32le(std::uint32_t value);
  void u64le(std::uint64_t value);
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }
  void zigzag(std::int64_t value);
  void text(std::string_view bytes);  // varint length, then the bytes
  void raw(std::string_view bytes) { out_ += bytes; }
  void hash(const Hash128& hash);

 private:
  std::string& out_;
};

// Reads within bounds. The first read beyond them, or the first malformed varint, makes ok() false
// for good; from then on everything reads as zero or empty. Views point into the bytes given.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}
  std::uint8_t u8();
  std::uint16_t u16le();
  std::uint32_t u32le();
  std::uint64_t u64le();
  std::uint64_t varint() {
    // Nearly all are of one byte.
    if (ok_ && at_ < bytes_.size() && static_cast<std::uint8_t>(bytes_[at_]) < 0x80) {
      return static_cast<std::uint8_t>(bytes_[at_++]);
    }
    return long_varint();
  }
  std::uint32_t varint32();  // a larger one is malformed
  std::int64_t zigzag();
  std::string_view text();
  std::string_view raw(std::size_t size) {
    if (!ok_ || size > bytes_.size() - at_) {
      ok_ = false;
      return {};
    }
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  std::string_view rest() { return raw(ok_ ? bytes_.size() - at_ : 0); }
  Hash128 hash();

  bool ok() const { return ok_; }
  bool done() const {
    return ok_ && at_ == bytes_.size();
  }  // all of it was read, and was well-formed
  std::size_t at() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }

 private:
  std::uint64_t long_varint();

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

void append_be32(std::string& out, std::uint32_t value);
void append_be64(std::string& out, std::uint64_t value);
std::uint32_t read_be32(std::string_view bytes);  // at least 4 bytes
std::uint64_t read_be64(std::string_view bytes);  // at least 8 bytes

std::uint64_t checksum64(std::string_view bytes);  // XXH3-64, seed 0
// An entry's share in its table's sum: XXH3-64 of the value, seeded with that of the key.
std::uint64_t entry_hash(std::string_view key, std::string_view value);

// A sealed block is its payload with the payload's checksum64 behind it, little-endian.
inline constexpr std::size_t seal_bytes = 8;
void seal(std::string& payload);
std::optional<std::string_view> unseal(std::string_view block);  // absent: too short, or damaged

inline constexpr const char* rebuild_hint =
    "stop jcn and remove the index folder; it is built anew from the files";
// index_damaged, with the advice that goes with it.
Error damaged(std::string what);

}  // namespace jcn
