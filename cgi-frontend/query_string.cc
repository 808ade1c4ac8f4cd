#include "query_string.h"

#include <algorithm>

#include "jcn/utf8.h"

namespace cgi {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = static_cast<char>(c | 0x20);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

std::string well_formed(std::string text) {
  if (jcn::find_invalid_utf8(text) == std::string::npos) return text;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = jcn::utf8_length(text, at);
    if (length == 0) {
      out += "\ufffd";
      ++at;
    } else {
      out.append(text, at, length);
      at += length;
    }
  }
  return out;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size() && hex_digit(text[at + 1]) >= 0 &&
        hex_digit(text[at + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[at + 1]) << 4 | hex_digit(text[at + 2]));
      at += 2;
    } else {
      out += text[at] == '+' ? ' ' : text[at];
    }
  }
  return well_formed(std::move(out));
}

}  // namespace

QueryString::QueryString(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    pairs_.emplace_back(decoded(pair.substr(0, equals)),
                        decoded(pair.substr(std::min(equals + 1, pair.size()))));
  }
}

std::string_view QueryString::first(std::string_view name) const {
  for (const auto& [each, value] : pairs_) {
    if (each == name) return value;
  }
  return {};
}

std::string_view QueryString::last(std::string_view name) const {
  const auto values = all(name, pairs_.size());
  return values.empty() ? std::string_view() : values.back();
}

std::vector<std::string_view> QueryString::all(std::string_view name, std::size_t most) const {
  std::vector<std::string_view> out;
  for (const auto& [each, value] : pairs_) {
    if (each == name && out.size() < most) out.push_back(value);
  }
  return out;
}

}  // namespace cgi
