#include "address.h"

#include <algorithm>

#include "jcn/utf8.h"

namespace cgi {
namespace {

constexpr std::size_t longest_path = 1000;  // characters

// A part of a path: not hidden, neither . nor .., nothing that another system might take for a
// separator.
bool is_name(std::string_view part) {
  return !part.empty() && part.front() != '.' && std::none_of(part.begin(), part.end(), [](char c) {
    return c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

bool is_path(std::string_view path) {
  for (;;) {
    const std::size_t slash = path.find('/');
    if (!is_name(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

Address Address::page_at(std::string_view path, const Parameters& parameters) {
  const std::string query = encoded(parameters);
  return Address(std::string(path) + (query.empty() ? "" : "?" + query));
}

Address Address::same_page(std::string_view query_string) {
  return Address("?" + percent_encoded(query_string, "!#$%&'()*+,/:;=?@[]"));
}

std::optional<Address> Address::media(std::string_view path,
                                      std::span<const std::string_view> extensions) {
  if (path.size() > 4 * longest_path || jcn::utf8_count(path) > longest_path || !is_path(path))
    return std::nullopt;
  if (std::find(extensions.begin(), extensions.end(), extension(path)) == extensions.end())
    return std::nullopt;
  return Address("/media/" + percent_encoded(path, "/"));
}

std::optional<Address> Address::elsewhere(std::string_view text) {
  if (!text.starts_with("http://") && !text.starts_with("https://")) return std::nullopt;
  constexpr std::string_view ends = "<>\"'`\\^{}|\x7f";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || ends.find(c) != ends.npos) return std::nullopt;
  }
  return Address(std::string(text));
}

Address Address::at(std::string_view origin) const {
  return Address(std::string(origin) + text_);
}

std::string encoded(const Parameters& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    if (!out.empty()) out += '&';
    out += percent_encoded(name);
    out += '=';
    out += percent_encoded(value);
  }
  return out;
}

std::string extension(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return {};
  std::string out(path.substr(dot + 1));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) >= 0x80) return {};
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

}  // namespace cgi
