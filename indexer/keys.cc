#include "keys.h"

#include "encoding.h"

namespace jcn {

std::string record_key_bytes(const RecordKey& key) {
  std::string bytes;
  bytes.reserve(key.kind.size() + 1 + key.id.size());
  bytes += key.kind;
  bytes += '\0';
  bytes += key.id;
  return bytes;
}

std::optional<RecordKey> parse_record_key(std::string_view bytes) {
  const std::size_t zero = bytes.find('\0');
  if (zero == std::string_view::npos) return std::nullopt;
  return RecordKey{std::string(bytes.substr(0, zero)), std::string(bytes.substr(zero + 1))};
}

std::string file_key_bytes(std::string_view root, std::string_view path) {
  std::string bytes;
  bytes.reserve(root.size() + 1 + path.size());
  bytes += root;
  bytes += '\0';
  bytes += path;
  if (bytes.size() < max_key_bytes) return bytes;
  const Hash128 hash = hash128(bytes);
  bytes.resize(cut_key_bytes);
  ByteWriter(bytes).hash(hash);
  return bytes;
}

std::optional<FragmentName> parse_file_key(std::string_view key) {
  const std::size_t zero = key.find('\0');
  if (zero == std::string_view::npos || is_cut_file_key(key)) return std::nullopt;
  return FragmentName{std::string(key.substr(0, zero)), std::string(key.substr(zero + 1))};
}

std::string first_file_key(std::string_view root, std::string_view prefix) {
  std::string bytes(root);
  bytes += '\0';
  bytes += prefix;
  if (bytes.size() > cut_key_bytes) bytes.resize(cut_key_bytes);
  return bytes;
}

std::string change_key(std::uint64_t seq) {
  std::string key;
  append_be64(key, seq);
  return key;
}

std::string dictionary_key(std::uint32_t dictionary) {
  std::string key;
  append_be32(key, dictionary);
  return key;
}

std::string segment_key(std::uint32_t segment, std::uint8_t section, std::uint32_t block) {
  std::string key;
  append_be32(key, segment);
  key += static_cast<char>(section);
  append_be32(key, block);
  return key;
}

std::optional<SegmentKeyParts> parse_segment_key(std::string_view key) {
  if (key.size() != 9) return std::nullopt;
  return SegmentKeyParts{read_be32(key), static_cast<std::uint8_t>(key[4]),
                         read_be32(key.substr(5))};
}

std::string living_key(std::uint32_t segment, std::uint32_t chunk) {
  std::string key;
  append_be32(key, segment);
  append_be32(key, chunk);
  return key;
}

}  // namespace jcn
