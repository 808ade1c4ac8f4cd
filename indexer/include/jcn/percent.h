// Bytes as %XX: RFC 3986, 2.1.
#pragma once

#include <string>
#include <string_view>

namespace jcn {

inline void append_percent(std::string& out, char byte) {
  constexpr char digits[] = "0123456789ABCDEF";
  out += '%';
  out += digits[static_cast<unsigned char>(byte) >> 4];
  out += digits[static_cast<unsigned char>(byte) & 15];
}

// Everything but unreserved characters, and those of `kept`, as %XX.
inline std::string percent_encoded(std::string_view bytes, std::string_view kept = {}) {
  std::string out;
  out.reserve(bytes.size());
  for (const char c : bytes) {
    const bool alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const bool unreserved = alphanumeric || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved || kept.find(c) != kept.npos) {
      out += c;
    } else {
      append_percent(out, c);
    }
  }
  return out;
}

}  // namespace jcn
