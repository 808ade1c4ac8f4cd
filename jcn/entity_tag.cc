#include "entity_tag.h"

#include <algorithm>

namespace jcn {

std::string entity_tag(const Hash128& rev) {
  return '"' + rev.hex() + '"';
}

bool none_match_hits(std::string_view header, std::string_view tag) {
  const auto skip = [&](std::string_view marks) {
    header.remove_prefix(std::min(header.find_first_not_of(marks), header.size()));
  };
  skip(" \t");
  if (!header.empty() && header.front() == '*') {
    header.remove_prefix(1);
    skip(" \t");
    return header.empty();
  }
  for (;;) {
    skip(" \t,");
    if (header.substr(0, 2) == "W/") header.remove_prefix(2);
    if (header.empty() || header.front() != '"') return false;
    const std::size_t end = header.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (header.substr(0, end + 1) == tag) return true;
    header.remove_prefix(end + 1);
    skip(" \t");
    if (!header.empty() && header.front() != ',') return false;
  }
}

}  // namespace jcn
