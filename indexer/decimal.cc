#include "decimal.h"

#include <algorithm>

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;
constexpr std::size_t short_digits = 18;
constexpr std::int64_t short_range = 1'000'000'000'000'000'000;  // 10^18

std::string_view without_leading_zeros(std::string_view digits) {
  const std::size_t first = digits.find_first_not_of('0');
  return first == none ? std::string_view() : digits.substr(first);
}

std::size_t trailing_zeros(std::string_view digits) {
  const std::size_t last = digits.find_last_not_of('0');
  return digits.size() - (last == none ? 0 : last + 1);
}

std::int64_t to_int(std::string_view digits) {
  std::int64_t value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

// ±digits + small as text, for more digits than short_digits; |small| < 10^17: the position of a
// digit in a text in memory.
std::string add_small(bool negative, std::string_view digits, std::int64_t small) {
  // So long that the sum keeps the sign: the last 18 digits take the sum, the head a carry.
  std::string head(digits.substr(0, digits.size() - short_digits));
  std::int64_t tail = to_int(digits.substr(head.size()));
  tail += negative ? -small : small;
  if (tail >= short_range) {
    tail -= short_range;
    std::size_t i = head.size();
    while (i > 0 && head[i - 1] == '9') head[--i] = '0';
    if (i > 0) {
      ++head[i - 1];
    } else {
      head.insert(head.begin(), '1');
    }
  } else if (tail < 0) {
    tail += short_range;
    std::size_t i = head.size();
    while (head[i - 1] == '0') head[--i] = '9';  // the head is above zero
    --head[i - 1];
  }
  const std::string tail_digits = std::to_string(tail);
  head.append(short_digits - tail_digits.size(), '0');
  head += tail_digits;
  return (negative ? "-" : "") + std::string(without_leading_zeros(head));
}

// Of integers as exponent_text() gives them.
int compare_integers(std::string_view a, std::string_view b) {
  const bool negative = a.starts_with('-');
  if (negative != b.starts_with('-')) return negative ? -1 : 1;
  int magnitude = 0;
  if (a.size() != b.size()) {
    magnitude = a.size() < b.size() ? -1 : 1;
  } else {
    const int order = a.compare(b);
    magnitude = (order > 0) - (order < 0);
  }
  return negative ? -magnitude : magnitude;
}

int compare_exponents(const Decimal& a, const Decimal& b) {
  const auto left = a.exponent(), right = b.exponent();
  if (left && right) return (*left > *right) - (*left < *right);
  return compare_integers(a.exponent_text(), b.exponent_text());
}

int compare_digits(const Decimal& a, const Decimal& b) {
  const std::size_t length = std::max(a.length(), b.length());
  for (std::size_t i = 0; i < length; ++i) {
    if (a.digit(i) != b.digit(i)) return a.digit(i) < b.digit(i) ? -1 : 1;
  }
  return 0;
}

}  // namespace

Decimal::Decimal(std::string_view number) {
  const bool negative = number.starts_with('-');
  if (negative) number.remove_prefix(1);
  std::string_view exponent;
  if (const std::size_t e = number.find_first_of("eE"); e != none) {
    exponent = number.substr(e + 1);
    number = number.substr(0, e);
  }
  const std::size_t point = number.find('.');
  whole_ = without_leading_zeros(number.substr(0, point));
  if (point != none) fraction_ = number.substr(point + 1);
  offset_ = static_cast<std::int64_t>(whole_.size());
  if (whole_.empty()) {
    const std::string_view significant = without_leading_zeros(fraction_);
    offset_ = -static_cast<std::int64_t>(fraction_.size() - significant.size());
    fraction_ = significant;
    if (significant.empty()) return;
  }
  sign_ = negative ? -1 : 1;
  negative_ = exponent.starts_with('-');
  if (negative_ || exponent.starts_with('+')) exponent.remove_prefix(1);
  written_ = without_leading_zeros(exponent);
}

std::size_t Decimal::significant() const {
  const std::size_t zeros = trailing_zeros(fraction_);
  if (zeros < fraction_.size()) return length() - zeros;
  return whole_.size() - trailing_zeros(whole_);
}

std::optional<std::int64_t> Decimal::exponent() const {
  // The offset is so small that it counts only up to one digit more.
  if (written_.size() > short_digits + 1) return std::nullopt;
  if (written_.size() > short_digits && written_.front() != '1') return std::nullopt;
  const std::int64_t written = to_int(written_);
  const std::int64_t sum = (negative_ ? -written : written) + offset_;
  if (sum <= -short_range || sum >= short_range) return std::nullopt;
  return sum;
}

bool Decimal::exponent_negative() const {
  const auto small = exponent();
  return small ? *small < 0 : negative_;
}

std::string Decimal::exponent_text() const {
  if (written_.size() > short_digits) return add_small(negative_, written_, offset_);
  const std::int64_t written = to_int(written_);
  return std::to_string((negative_ ? -written : written) + offset_);
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.sign() != b.sign()) return a.sign() < b.sign() ? -1 : 1;
  if (a.sign() == 0) return 0;
  int magnitude = compare_exponents(a, b);
  if (magnitude == 0) magnitude = compare_digits(a, b);
  return a.sign() < 0 ? -magnitude : magnitude;
}

}  // namespace jcn
