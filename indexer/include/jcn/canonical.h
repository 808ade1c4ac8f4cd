// Canonical text: JSON that check_json has passed, minified, member order and number text kept,
// escapes minimal (\" \\ \b \f \n \r \t and \u00xx for other control characters). Because it is
// known to be valid, it is read in place with a cursor: no tree is ever built. Everything here
// takes canonical text only and is thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jcn {

enum class JsonType : std::uint8_t { null, boolean, number, string, array, object };

JsonType json_type(std::string_view value);

// Goes through the members of an object, or the elements of an array, in order.
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view container);
  // Moves on; false after the last one.
  bool next();
  std::string_view name() const { return name_; }  // quoted and escaped, as it stands; objects only
  std::string_view value() const { return value_; }  // its exact text

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool object_ = false;
  std::string_view name_, value_;
};

// The value of a member whose *unescaped* name is `name`.
std::optional<std::string_view> json_member(std::string_view object, std::string_view name);
// RFC 6901. Array indices without leading zeros; "-" finds nothing.
std::optional<std::string_view> json_at(std::string_view document, std::string_view pointer);

std::string json_unquote(std::string_view string_value);  // "\"a\\n\"" → a, newline
std::string json_quote(std::string_view text);  // well-formed UTF-8 → quoted, minimal escapes
void json_quote_onto(std::string& out, std::string_view text);
// For path bytes that may be no UTF-8: bytes that are not shown as \xNN (RFC-valid: "\\xNN"),
// backslashes stay single characters, doubled by JSON's own escaping.
std::string json_quote_bytes(std::string_view bytes);

// -1, 0, 1. Numbers as exact decimals ("1e2" = "100"), of any length, without rounding.
int compare_numbers(std::string_view a, std::string_view b);
// The total order of DESIGN: null < false < true < numbers < strings (bytewise, unescaped) < arrays
// < objects.
int compare_values(std::string_view a, std::string_view b);

// RFC 7396 on canonical texts. Member order: the target's, new members behind, in the patch's
// order.
std::string merge_patch(std::string_view target, std::string_view patch, bool ignore_nulls = false);

}  // namespace jcn
