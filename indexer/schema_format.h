// The formats of JSON Schema draft 7 §7.3 that are checked. Pure.
#pragma once

#include <string_view>

namespace jcn {

struct FormatRow {
  std::string_view name;
  std::string_view wanted;  // "a date, as 2026-03-01 (RFC 3339)"
  bool (*fits)(std::string_view text);
};

// Null: not checked, which is every format that is not in the table (and, of those that draft 7
// names: regex, uri-template, and the international idn-… and iri…).
const FormatRow* find_format(std::string_view name);

}  // namespace jcn
