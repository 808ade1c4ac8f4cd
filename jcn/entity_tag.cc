#include "entity_tag.h"

#include <algorithm>

namespace jcn {
namespace {

// Whether a list of tags has `tag`, up to the place where it is malformed.
bool lists(std::string_view header, std::string_view tag, bool weak_ones_too) {
  const auto skip = [&](std::string_view marks) {
    header.remove_prefix(std::min(header.find_first_not_of(marks), header.size()));
  };
  for (;;) {
    skip(" \t,");
    const bool weak = header.substr(0, 2) == "W/";
    if (weak) header.remove_prefix(2);
    if (header.empty() || header.front() != '"') return false;
    const std::size_t end = header.find('"', 1);
    if (end == std::string_view::npos) return false;
    if ((weak_ones_too || !weak) && header.substr(0, end + 1) == tag) return true;
    header.remove_prefix(end + 1);
    skip(" \t");
    if (!header.empty() && header.front() != ',') return false;
  }
}

}  // namespace

std::string entity_tag(const Hash128& rev) {
  return '"' + rev.hex() + '"';
}

bool any_tag(std::string_view header) {
  const std::size_t first = header.find_first_not_of(" \t");
  return first != std::string_view::npos && header[first] == '*' &&
         header.find_first_not_of(" \t", first + 1) == std::string_view::npos;
}

bool none_match_hits(std::string_view header, std::string_view tag) {
  return any_tag(header) || lists(header, tag, true);
}

bool match_hits(std::string_view header, std::string_view tag) {
  return any_tag(header) || lists(header, tag, false);
}

}  // namespace jcn
