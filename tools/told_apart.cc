#include "told_apart.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "jcnctl_table.h"

namespace jcnctl {
namespace {

// What of a text is seen, roughly: composed, in one width, without what has no width or is a space.
std::string seen(std::string_view utf8) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto length = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(utf8.data()),
      static_cast<utf8proc_ssize_t>(utf8.size()), &mapped,
      static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_IGNORE |
                                     UTF8PROC_STRIPCC | UTF8PROC_LUMP));
  if (length < 0) return std::string(utf8);
  std::string text(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length));
  std::free(mapped);
  std::erase(text, ' ');
  return text;
}

void append_escape(std::string& out, utf8proc_int32_t unit) {
  std::array<char, 8> escape{};
  std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(unit));
  out += escape.data();
}

// JSON text in ASCII.
std::string escaped(std::string_view utf8) {
  std::string out;
  for (std::size_t at = 0; at < utf8.size();) {
    utf8proc_int32_t code = 0;
    const auto length =
        utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(utf8.data()) + at,
                         static_cast<utf8proc_ssize_t>(utf8.size() - at), &code);
    if (length <= 0) return std::string(utf8);  // no answer has that
    if (code < 0x7F) {
      out += static_cast<char>(code);
    } else if (code < 0x10000) {
      append_escape(out, code);
    } else {
      append_escape(out, 0xD7C0 + (code >> 10));
      append_escape(out, 0xDC00 + (code & 0x3FF));
    }
    at += static_cast<std::size_t>(length);
  }
  return out;
}

constexpr std::size_t shared_shown = 8;  // characters before what differs

}  // namespace

std::pair<std::string, std::string> told_apart(std::string_view one, std::string_view other) {
  const bool alike = seen(one) == seen(other);
  auto shared = static_cast<std::size_t>(
      std::mismatch(one.begin(), one.end(), other.begin(), other.end()).first - one.begin());
  for (std::size_t kept = 0; shared > 0 && kept < shared_shown;) {
    --shared;
    if (starts_character(one[shared])) ++kept;
  }
  const auto shown = [&](std::string_view text) {
    const std::string_view rest = text.substr(shared);
    return (shared > 0 ? "…" : "") + (alike ? escaped(rest) : std::string(rest));
  };
  return {shown(one), shown(other)};
}

}  // namespace jcnctl
