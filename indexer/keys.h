// Keys of the LMDB tables. Bytewise order of the keys is the order in which readers walk; the fresh
// layer sorts by the same bytes, so that both can be merged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jcn/record.h"

namespace jcn {

inline constexpr std::size_t max_key_bytes = 511;  // LMDB's, as packaged
// A file key of exactly max_key_bytes is cut: its first cut_key_bytes, then 16 bytes of hash128.
inline constexpr std::size_t cut_key_bytes = max_key_bytes - 16;

std::string record_key_bytes(const RecordKey& key);                 // kind \0 id
std::optional<RecordKey> parse_record_key(std::string_view bytes);  // absent: malformed

std::string file_key_bytes(std::string_view root,
                           std::string_view path);  // root \0 path, maybe cut
inline std::string file_key_bytes(const FragmentName& name) {
  return file_key_bytes(name.root, name.path);
}
inline bool is_cut_file_key(std::string_view key) {
  return key.size() == max_key_bytes;
}
// Absent: malformed, or cut (then the row holds the full name).
std::optional<FragmentName> parse_file_key(std::string_view key);
// The smallest key that a file of this root whose path begins with `prefix` can have.
std::string first_file_key(std::string_view root, std::string_view prefix);

std::string change_key(std::uint64_t seq);
std::string dictionary_key(std::uint32_t dictionary);
std::string segment_key(std::uint32_t segment, std::uint8_t section, std::uint32_t block);
struct SegmentKeyParts {
  std::uint32_t segment;
  std::uint8_t section;
  std::uint32_t block;
};
std::optional<SegmentKeyParts> parse_segment_key(std::string_view key);
std::string living_key(std::uint32_t segment, std::uint32_t chunk);

}  // namespace jcn
