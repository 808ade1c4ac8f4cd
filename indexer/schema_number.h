// What JSON Schema asks of numbers, on their exact texts: no double, no limit on digits.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace jcn {

// Whether the decimal has no fraction: 3, 3.0 and 30e-1, not 3.5.
bool is_integer(std::string_view number);

// A count, as in "minItems": an integer of at least 0. Beyond 64 bits: the largest.
std::optional<std::uint64_t> read_count(std::string_view number);

// mantissa × 10^exponent; the mantissa has no trailing zeros.
struct Divisor {
  std::uint64_t mantissa = 1;
  std::int64_t exponent = 0;
};
// Absent: zero, negative, or of more than 18 significant digits.
std::optional<Divisor> read_divisor(std::string_view number);
bool is_multiple(std::string_view number, const Divisor& divisor);

}  // namespace jcn
