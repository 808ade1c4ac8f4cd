// Decimals: numbers of canonical text as what they are exactly, of any length. Views point into the
// text. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jcn {

// sign × 0.d1d2d3… × 10^exponent with d1 ≠ 0.
class Decimal {
 public:
  explicit Decimal(std::string_view number);

  int sign() const { return sign_; }  // 0: zero, however it is written
  // Digits d1…, with the zeros at the end that the text has.
  std::size_t length() const { return whole_.size() + fraction_.size(); }
  // Without them.
  std::size_t significant() const;
  char digit(std::size_t i) const {
    if (i < whole_.size()) return whole_[i];
    return i < length() ? fraction_[i - whole_.size()] : '0';
  }
  // Absent: its absolute value is 10^18 or more.
  std::optional<std::int64_t> exponent() const;
  bool exponent_negative() const;     // also of one that is absent
  std::string exponent_text() const;  // of any length: -12, 0, 12

 private:
  int sign_ = 0;
  // The digits stand in the text in two runs.
  std::string_view whole_, fraction_;
  // The exponent is ±written + offset.
  bool negative_ = false;
  std::string_view written_;  // without leading zeros
  std::int64_t offset_ = 0;
};

// -1, 0, 1.
int compare(const Decimal& a, const Decimal& b);

}  // namespace jcn
