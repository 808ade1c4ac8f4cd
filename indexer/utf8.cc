#include "jcn/utf8.h"

#include <cstdint>
#include <cstring>

namespace jcn {
namespace {

unsigned byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

bool continues(std::string_view text, std::size_t at, unsigned low = 0x80, unsigned high = 0xBF) {
  return at < text.size() && byte_at(text, at) >= low && byte_at(text, at) <= high;
}

}  // namespace

// The table of well-formed sequences: Unicode Standard, table 3-7.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  if (at >= text.size()) return 0;
  const unsigned first = byte_at(text, at);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  if (first < 0xE0) return continues(text, at + 1) ? 2 : 0;
  if (first < 0xF0) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80, high = first == 0xED ? 0x9F : 0xBF;
    return continues(text, at + 1, low, high) && continues(text, at + 2) ? 3 : 0;
  }
  const unsigned low = first == 0xF0 ? 0x90 : 0x80, high = first == 0xF4 ? 0x8F : 0xBF;
  return continues(text, at + 1, low, high) && continues(text, at + 2) && continues(text, at + 3)
             ? 4
             : 0;
}

std::size_t find_invalid_utf8(std::string_view text) {
  constexpr std::uint64_t high_bits = 0x8080808080808080U;
  std::size_t at = 0;
  while (at < text.size()) {
    // Most text is ASCII: sixteen bytes at a step.
    while (at + 16 <= text.size()) {
      std::uint64_t words[2];
      std::memcpy(words, text.data() + at, sizeof words);
      if ((words[0] | words[1]) & high_bits) break;
      at += 16;
    }
    while (at < text.size() && byte_at(text, at) < 0x80) ++at;
    while (at < text.size() && byte_at(text, at) >= 0x80) {
      const std::size_t length = utf8_length(text, at);
      if (length == 0) return at;
      at += length;
    }
  }
  return std::string_view::npos;
}

std::size_t utf8_count(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    const std::size_t length = utf8_length(text, at);
    at += length ? length : 1;
  }
  return count;
}

bool is_control(std::string_view text, std::size_t at, std::size_t length) {
  const unsigned first = byte_at(text, at);
  if (length == 1) return first < 0x20 || first == 0x7F;
  return length == 2 && first == 0xC2 && byte_at(text, at + 1) < 0xA0;
}

void append_utf8(std::string& out, unsigned code_point) {
  const auto put = [&out](unsigned byte) { out += static_cast<char>(byte); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

std::string printable_path(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = utf8_length(bytes, at);
    if (length > 0 && !is_control(bytes, at, length)) {
      out.append(bytes, at, length);
      at += length;
      continue;
    }
    const std::size_t end = at + (length ? length : 1);
    for (; at < end; ++at) {
      out += "\\x";
      out += digits[byte_at(bytes, at) >> 4];
      out += digits[byte_at(bytes, at) & 15];
    }
  }
  return out;
}

}  // namespace jcn
