// Sort values: what sorting and paging look at: a scalar's key and, of a cut key, the value itself,
// shortened. Pure, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace jcn {

// Of a string as many bytes are looked at; of a number with a cut key as many digits.
inline constexpr std::size_t sorted_bytes = 4096;

struct SortValue {
  std::string key;   // value_key.h; empty: null, and all that ranks as null
  std::string text;  // of cut keys: a string's first bytes, whole characters; a number's JSON text
};

// Of canonical text; null's is empty.
SortValue sort_value(std::string_view scalar);
// The smallest or largest of the scalars that conditions look at (match.h), of a value that may be
// absent.
SortValue extreme_value(std::optional<std::string_view> value, bool largest);

// -1, 0, 1. Equal values have equal beginnings, not always equal keys.
int compare(const SortValue& a, const SortValue& b);
// Canonical text, from which sort_value() makes its equal; empty: null.
std::string sort_value_json(const SortValue& value);

// Whether keys that share this key's beginning may have another order than their values.
bool may_share_beginning(std::string_view key);

}  // namespace jcn
