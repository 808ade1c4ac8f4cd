// Which fields a search over all fields of a record looks at.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace jcn {

// True when `path` (jcn/field.h) is `place` or lies beneath it. Steps into arrays are passed over:
// /videos/~*/url lies within /videos/url, too. `place` has none of them.
bool lies_within(std::string_view path, std::string_view place);

struct SearchScope {
  std::set<std::string> fields;    // their paths, each with all beneath; empty: all fields
  std::set<std::string> excluded;  // and of these all but those
  bool everything() const { return fields.empty() && excluded.empty(); }
  bool covers(std::string_view path) const;
  bool operator==(const SearchScope&) const = default;
};

}  // namespace jcn
