// Ranges of bytes (RFC 9110 §14). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace jcn {

struct ByteRange {
  std::uint64_t first = 0, length = 0;
  bool operator==(const ByteRange&) const = default;
};

// What a Range header asks for of something that has `size` bytes. Length 0: nothing of it is
// there (416). Absent: no range of bytes, several, or malformed: to be answered as if there were
// no such header (§14.2).
std::optional<ByteRange> read_byte_range(std::string_view header, std::uint64_t size);

}  // namespace jcn
