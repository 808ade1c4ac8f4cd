#include "sort_value.h"

#include <algorithm>

#include "decimal.h"
#include "jcn/canonical.h"
#include "jcn/utf8.h"
#include "match.h"
#include "value_key.h"

namespace jcn {
namespace {

std::string shortened_string(std::string text) {
  if (text.size() <= sorted_bytes) return text;
  std::size_t end = sorted_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  text.resize(end);
  return text;
}

// 0.d1d2d3…e±n. Exponents of more digits than are looked at count as the least of these.
std::string shortened_number(std::string_view text) {
  const Decimal number(text);
  std::string out = number.sign() < 0 ? "-0." : "0.";
  const std::size_t digits = std::min(number.significant(), sorted_bytes);
  for (std::size_t i = 0; i < digits; ++i) out += number.digit(i);
  const std::string exponent = number.exponent_text();
  if (exponent.size() <= sorted_bytes) return out + 'e' + exponent;
  return out + (number.exponent_negative() ? "e-1" : "e1") + std::string(sorted_bytes, '0');
}

int sign_of(int comparison) {
  return (comparison > 0) - (comparison < 0);
}

// A string's bytes, or a number's JSON text; of keys that may share a beginning. `made` keeps what
// does not stand in the value.
std::string_view text_of(const SortValue& value, std::string& made) {
  if (is_cut(value.key)) return value.text;
  if (const auto text = key_string(value.key)) return *text;
  made = key_json(value.key).value_or("0");
  return made;
}

}  // namespace

SortValue sort_value(std::string_view scalar) {
  SortValue value;
  if (json_type(scalar) == JsonType::null) return value;
  append_value_key(value.key, scalar);
  if (!is_cut(value.key)) return value;
  value.text = json_type(scalar) == JsonType::string ? shortened_string(json_unquote(scalar))
                                                     : shortened_number(scalar);
  return value;
}

SortValue extreme_value(std::optional<std::string_view> value, bool largest) {
  std::optional<SortValue> found;
  if (value) {
    for_each_scalar(*value, [&](std::string_view scalar) {
      SortValue next = sort_value(scalar);
      const int order = found ? compare(next, *found) : 0;
      if (!found || (largest ? order > 0 : order < 0)) found = std::move(next);
      return true;
    });
  }
  return found.value_or(SortValue{});
}

int compare(const SortValue& a, const SortValue& b) {
  if ((!is_cut(a.key) && !is_cut(b.key)) || key_beginning(a.key) != key_beginning(b.key)) {
    return sign_of(a.key.compare(b.key));
  }
  if (a.key == b.key) return 0;
  std::string made_of_a, made_of_b;
  const std::string_view in_a = text_of(a, made_of_a), in_b = text_of(b, made_of_b);
  return key_type(a.key) == KeyType::number ? compare_numbers(in_a, in_b)
                                            : sign_of(in_a.compare(in_b));
}

std::string sort_value_json(const SortValue& value) {
  if (value.key.empty()) return {};
  if (!is_cut(value.key)) return key_json(value.key).value_or("");
  return key_type(value.key) == KeyType::number ? value.text : json_quote(value.text);
}

bool may_share_beginning(std::string_view key) {
  return is_cut(key) || key_beginning(key) != key;
}

}  // namespace jcn
