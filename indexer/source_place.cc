#include "source_place.h"

#include <algorithm>

#include "jcn/canonical.h"
#include "jcn/utf8.h"
#include "json_pointer.h"

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;

// Behind the string whose quote is at `at`.
std::size_t behind_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

bool starts_within(std::string_view part, std::string_view whole, std::size_t offset) {
  const auto begin = static_cast<std::size_t>(part.data() - whole.data());
  return offset >= begin && offset < begin + part.size();
}

}  // namespace

std::string pointer_at(std::string_view canonical, std::size_t offset) {
  std::string pointer;
  std::string_view value = canonical;
  while (static_cast<std::size_t>(value.data() - canonical.data()) != offset) {
    const bool object = json_type(value) == JsonType::object;
    std::size_t index = 0;
    bool found = false;
    for (JsonCursor cursor(value); !found && cursor.next(); ++index) {
      const bool in_name = object && starts_within(cursor.name(), canonical, offset);
      found = in_name || starts_within(cursor.value(), canonical, offset);
      if (!found) continue;
      append_pointer_token(pointer, object ? json_unquote(cursor.name()) : std::to_string(index));
      if (in_name) return pointer;
      value = cursor.value();
    }
    if (!found) return pointer;
  }
  return pointer;
}

// Both have the same tokens in the same order; strings may be spelled differently.
std::size_t offset_in_source(std::string_view bytes, std::string_view canonical,
                             std::size_t offset) {
  std::size_t at = bytes.find_first_not_of(" \t\r\n");
  for (std::size_t in_canonical = 0; in_canonical < offset && at < bytes.size();) {
    if (bytes[at] == '"') {
      at = behind_string(bytes, at);
      in_canonical = behind_string(canonical, in_canonical);
    } else {
      ++at;
      ++in_canonical;
    }
    while (at < bytes.size() && std::string_view(" \t\r\n").find(bytes[at]) != none) ++at;
  }
  return std::min(at, bytes.size());
}

void set_place(Reject& reject, std::string_view bytes, std::size_t offset) {
  const std::string_view before = bytes.substr(0, offset);
  const std::size_t newline = before.rfind('\n');
  const std::string_view line = before.substr(newline == none ? 0 : newline + 1);
  reject.line = 1 + static_cast<std::uint64_t>(std::count(before.begin(), before.end(), '\n'));
  reject.column = 1 + utf8_count(line);
  reject.offset = offset;
}

}  // namespace jcn
