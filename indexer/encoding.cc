#include "encoding.h"

#include <algorithm>
#include <limits>

#include "xxh3.h"

namespace jcn {

void ByteWriter::u16le(std::uint16_t value) {
  u8(static_cast<std::uint8_t>(value));
  u8(static_cast<std::uint8_t>(value >> 8));
}

void ByteWriter::u32le(std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out_ += static_cast<char>(value >> shift);
}

void ByteWriter::u64le(std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) out_ += static_cast<char>(value >> shift);
}

void ByteWriter::zigzag(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  varint((bits << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0));
}

void ByteWriter::text(std::string_view bytes) {
  varint(bytes.size());
  out_ += bytes;
}

void ByteWriter::hash(const Hash128& hash) {
  out_.append(reinterpret_cast<const char*>(hash.bytes.data()), hash.bytes.size());
}

std::uint8_t ByteReader::u8() {
  const std::string_view part = raw(1);
  return part.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(part[0]);
}

std::uint16_t ByteReader::u16le() {
  const std::uint8_t low = u8();
  return static_cast<std::uint16_t>(low | u8() << 8);
}

std::uint32_t ByteReader::u32le() {
  std::uint32_t value = 0;
  const std::string_view part = raw(4);
  for (std::size_t i = part.size(); i-- > 0;) {
    value = value << 8 | static_cast<std::uint8_t>(part[i]);
  }
  return value;
}

std::uint64_t ByteReader::u64le() {
  std::uint64_t value = 0;
  const std::string_view part = raw(8);
  for (std::size_t i = part.size(); i-- > 0;) {
    value = value << 8 | static_cast<std::uint8_t>(part[i]);
  }
  return value;
}

std::uint64_t ByteReader::long_varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; ok_; shift += 7) {
    const std::uint8_t byte = u8();
    if (!ok_) break;
    if (shift == 63 && byte > 1) ok_ = false;
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) break;
    if (shift == 63) ok_ = false;
  }
  return ok_ ? value : 0;
}

std::uint32_t ByteReader::varint32() {
  const std::uint64_t value = varint();
  if (value > std::numeric_limits<std::uint32_t>::max()) ok_ = false;
  return ok_ ? static_cast<std::uint32_t>(value) : 0;
}

std::int64_t ByteReader::zigzag() {
  const std::uint64_t bits = varint();
  return static_cast<std::int64_t>((bits >> 1) ^ (bits & 1 ? ~std::uint64_t{0} : 0));
}

std::string_view ByteReader::text() {
  const std::uint64_t size = varint();
  if (size > left()) {
    ok_ = false;
    return {};
  }
  return raw(static_cast<std::size_t>(size));
}

Hash128 ByteReader::hash() {
  Hash128 hash;
  const std::string_view part = raw(hash.bytes.size());
  std::copy(part.begin(), part.end(), hash.bytes.begin());
  return hash;
}

void append_be32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

void append_be64(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

std::uint32_t read_be32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

std::uint64_t read_be64(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

std::uint64_t checksum64(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::uint64_t entry_hash(std::string_view key, std::string_view value) {
  return XXH3_64bits_withSeed(value.data(), value.size(), checksum64(key));
}

void seal(std::string& payload) {
  const std::uint64_t sum = checksum64(payload);
  ByteWriter(payload).u64le(sum);
}

std::optional<std::string_view> unseal(std::string_view block) {
  if (block.size() < seal_bytes) return std::nullopt;
  const std::string_view payload = block.substr(0, block.size() - seal_bytes);
  if (ByteReader(block.substr(payload.size())).u64le() != checksum64(payload)) return std::nullopt;
  return payload;
}

Error damaged(std::string what) {
  return Error{Code::index_damaged, "damaged index: " + std::move(what), rebuild_hint};
}

}  // namespace jcn
