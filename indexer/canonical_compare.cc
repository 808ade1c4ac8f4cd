// The total order of values. Numbers are compared as the decimals that their texts are: no double,
// no rounding, no limit on digits or exponents.
#include <algorithm>
#include <cstdint>

#include "jcn/canonical.h"

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;

int sign_of(int comparison) {
  return (comparison > 0) - (comparison < 0);
}

std::string_view without_leading_zeros(std::string_view digits) {
  const std::size_t first = digits.find_first_not_of('0');
  return first == none ? std::string_view() : digits.substr(first);
}

// An integer of any length: sign and digits without leading zeros; zero is {0, ""}.
struct BigInteger {
  int sign = 0;
  std::string digits;
};

int compare(const BigInteger& a, const BigInteger& b) {
  if (a.sign != b.sign) return a.sign < b.sign ? -1 : 1;
  int magnitude = 0;
  if (a.digits.size() != b.digits.size()) {
    magnitude = a.digits.size() < b.digits.size() ? -1 : 1;
  } else {
    magnitude = sign_of(a.digits.compare(b.digits));
  }
  return a.sign < 0 ? -magnitude : magnitude;
}

BigInteger from_int(std::int64_t value) {
  if (value == 0) return {};
  return {value < 0 ? -1 : 1, std::to_string(value < 0 ? -value : value)};
}

// ±digits + small, with |small| < 10^17: the position of a digit in a text in memory.
BigInteger add_small(bool negative, std::string_view digits, std::int64_t small) {
  digits = without_leading_zeros(digits);
  constexpr std::size_t tail_length = 18;
  constexpr std::int64_t tail_range = 1'000'000'000'000'000'000;
  if (digits.size() <= tail_length) {
    std::int64_t value = 0;
    for (const char c : digits) value = value * 10 + (c - '0');
    return from_int((negative ? -value : value) + small);
  }
  // So long that the sum keeps the sign: the last 18 digits take the sum, the head a carry.
  std::string head(digits.substr(0, digits.size() - tail_length));
  std::int64_t tail = 0;
  for (const char c : digits.substr(head.size())) tail = tail * 10 + (c - '0');
  tail += negative ? -small : small;
  if (tail >= tail_range) {
    tail -= tail_range;
    std::size_t i = head.size();
    while (i > 0 && head[i - 1] == '9') head[--i] = '0';
    if (i > 0) {
      ++head[i - 1];
    } else {
      head.insert(head.begin(), '1');
    }
  } else if (tail < 0) {
    tail += tail_range;
    std::size_t i = head.size();
    while (head[i - 1] == '0') head[--i] = '9';  // the head is above zero
    --head[i - 1];
  }
  const std::string tail_digits = std::to_string(tail);
  head.append(tail_length - tail_digits.size(), '0');
  head += tail_digits;
  return {negative ? -1 : 1, std::string(without_leading_zeros(head))};
}

// sign × 0.d1d2d3… × 10^exponent with d1 ≠ 0. The digits stand in the text in two runs.
struct Decimal {
  int sign = 0;  // 0: zero, however it is written
  std::string_view whole, fraction;
  BigInteger exponent;
  std::size_t length() const { return whole.size() + fraction.size(); }
  char digit(std::size_t i) const {
    if (i < whole.size()) return whole[i];
    return i < length() ? fraction[i - whole.size()] : '0';
  }
};

Decimal read_decimal(std::string_view text) {
  Decimal number;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  std::string_view exponent;
  if (const std::size_t e = text.find_first_of("eE"); e != none) {
    exponent = text.substr(e + 1);
    text = text.substr(0, e);
  }
  const std::size_t point = text.find('.');
  number.whole = without_leading_zeros(text.substr(0, point));
  if (point != none) number.fraction = text.substr(point + 1);
  auto offset = static_cast<std::int64_t>(number.whole.size());
  if (number.whole.empty()) {
    const std::string_view significant = without_leading_zeros(number.fraction);
    offset = -static_cast<std::int64_t>(number.fraction.size() - significant.size());
    number.fraction = significant;
    if (significant.empty()) return number;
  }
  number.sign = negative ? -1 : 1;
  const bool exponent_negative = exponent.starts_with('-');
  if (exponent_negative || exponent.starts_with('+')) exponent.remove_prefix(1);
  number.exponent = add_small(exponent_negative, exponent, offset);
  return number;
}

int compare_digits(const Decimal& a, const Decimal& b) {
  const std::size_t length = std::max(a.length(), b.length());
  for (std::size_t i = 0; i < length; ++i) {
    if (a.digit(i) != b.digit(i)) return a.digit(i) < b.digit(i) ? -1 : 1;
  }
  return 0;
}

int compare_strings(std::string_view a, std::string_view b) {
  if (a.find('\\') == none && b.find('\\') == none) {
    return sign_of(a.substr(1, a.size() - 2).compare(b.substr(1, b.size() - 2)));
  }
  return sign_of(json_unquote(a).compare(json_unquote(b)));
}

int compare_arrays(std::string_view a, std::string_view b) {
  JsonCursor in_a(a), in_b(b);
  for (;;) {
    const bool more_a = in_a.next(), more_b = in_b.next();
    if (!more_a || !more_b) return static_cast<int>(more_a) - static_cast<int>(more_b);
    if (const int order = compare_values(in_a.value(), in_b.value())) return order;
  }
}

std::vector<std::pair<std::string_view, std::string_view>> sorted_members(std::string_view object) {
  std::vector<std::pair<std::string_view, std::string_view>> members;
  JsonCursor cursor(object);
  while (cursor.next()) members.emplace_back(cursor.name(), cursor.value());
  std::sort(members.begin(), members.end(),
            [](const auto& a, const auto& b) { return compare_strings(a.first, b.first) < 0; });
  return members;
}

// Member order says nothing: as lists of (name, value), sorted by name.
int compare_objects(std::string_view a, std::string_view b) {
  const auto in_a = sorted_members(a), in_b = sorted_members(b);
  for (std::size_t i = 0; i < in_a.size() && i < in_b.size(); ++i) {
    if (const int order = compare_strings(in_a[i].first, in_b[i].first)) return order;
    if (const int order = compare_values(in_a[i].second, in_b[i].second)) return order;
  }
  return (in_a.size() > in_b.size()) - (in_a.size() < in_b.size());
}

}  // namespace

int compare_numbers(std::string_view a, std::string_view b) {
  const Decimal left = read_decimal(a), right = read_decimal(b);
  if (left.sign != right.sign) return left.sign < right.sign ? -1 : 1;
  if (left.sign == 0) return 0;
  int magnitude = compare(left.exponent, right.exponent);
  if (magnitude == 0) magnitude = compare_digits(left, right);
  return left.sign < 0 ? -magnitude : magnitude;
}

int compare_values(std::string_view a, std::string_view b) {
  const JsonType type = json_type(a);
  if (const JsonType other = json_type(b); type != other) {
    // The enumeration stands in this order.
    return type < other ? -1 : 1;
  }
  switch (type) {
    case JsonType::null:
      return 0;
    case JsonType::boolean:
      return static_cast<int>(a.front() == 't') - static_cast<int>(b.front() == 't');
    case JsonType::number:
      return compare_numbers(a, b);
    case JsonType::string:
      return compare_strings(a, b);
    case JsonType::array:
      return compare_arrays(a, b);
    case JsonType::object:
      return compare_objects(a, b);
  }
  return 0;
}

}  // namespace jcn
