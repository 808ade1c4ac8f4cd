#include "byte_range.h"

#include <algorithm>
#include <charconv>

namespace jcn {
namespace {

constexpr std::string_view unit = "bytes=";

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<ByteRange> read_byte_range(std::string_view header, std::uint64_t size) {
  if (!header.starts_with(unit)) return std::nullopt;
  header.remove_prefix(unit.size());
  const std::size_t dash = header.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view before = header.substr(0, dash), behind = header.substr(dash + 1);
  if (before.empty()) {  // so many of the last ones
    const auto last = number(behind);
    if (!last) return std::nullopt;
    const std::uint64_t length = std::min(*last, size);
    return ByteRange{size - length, length};
  }
  const auto first = number(before);
  if (!first) return std::nullopt;
  std::uint64_t end = size;
  if (!behind.empty()) {
    const auto last = number(behind);
    if (!last || *last < *first) return std::nullopt;
    if (*last < size) end = *last + 1;
  }
  if (*first >= size) return ByteRange{size, 0};
  return ByteRange{*first, end - *first};
}

}  // namespace jcn
