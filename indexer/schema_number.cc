#include "schema_number.h"

#include <limits>

#include "decimal.h"

namespace jcn {
namespace {

constexpr std::size_t divisor_digits = 18;

// Of the last digit that isn't zero: the number is an integer of so many digits, times this power
// of ten.
std::int64_t last_place(const Decimal& number) {
  constexpr std::int64_t far = 1'000'000'000'000'000'000;
  const std::int64_t exponent = number.exponent().value_or(number.exponent_negative() ? -far : far);
  return exponent - static_cast<std::int64_t>(number.significant());
}

std::uint64_t digit_value(const Decimal& number, std::size_t i) {
  return static_cast<std::uint64_t>(number.digit(i) - '0');
}

std::uint64_t leading_digits(const Decimal& number, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value * 10 + digit_value(number, i);
  return value;
}

__extension__ using Wide = unsigned __int128;  // holds the product of two 64-bit numbers

std::uint64_t times(std::uint64_t a, std::uint64_t b, std::uint64_t modulus) {
  return static_cast<std::uint64_t>(Wide{a} * b % modulus);
}

std::uint64_t power_of_ten(std::uint64_t exponent, std::uint64_t modulus) {
  std::uint64_t result = 1 % modulus, square = 10 % modulus;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result = times(result, square, modulus);
    square = times(square, square, modulus);
  }
  return result;
}

}  // namespace

bool is_integer(std::string_view number) {
  const Decimal decimal(number);
  return decimal.sign() == 0 || last_place(decimal) >= 0;
}

std::optional<std::uint64_t> read_count(std::string_view number) {
  const Decimal decimal(number);
  if (decimal.sign() == 0) return 0;
  const std::int64_t place = last_place(decimal);
  if (decimal.sign() < 0 || place < 0) return std::nullopt;
  if (decimal.significant() + static_cast<std::uint64_t>(place) > 19)
    return std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = leading_digits(decimal, decimal.significant());
  for (std::int64_t i = 0; i < place; ++i) value *= 10;
  return value;
}

std::optional<Divisor> read_divisor(std::string_view number) {
  const Decimal decimal(number);
  if (decimal.sign() <= 0 || decimal.significant() > divisor_digits) return std::nullopt;
  return Divisor{leading_digits(decimal, decimal.significant()), last_place(decimal)};
}

bool is_multiple(std::string_view number, const Divisor& divisor) {
  const Decimal decimal(number);
  if (decimal.sign() == 0) return true;
  // The digits end in no zero, so no power of ten that the divisor has more can be in them.
  const std::int64_t place = last_place(decimal);
  if (place < divisor.exponent) return false;
  std::uint64_t rest = 0;
  const std::size_t digits = decimal.significant();
  for (std::size_t i = 0; i < digits; ++i) {
    rest =
        static_cast<std::uint64_t>((Wide{rest} * 10 + digit_value(decimal, i)) % divisor.mantissa);
  }
  const auto shift = static_cast<std::uint64_t>(place - divisor.exponent);
  return times(rest, power_of_ten(shift, divisor.mantissa), divisor.mantissa) == 0;
}

}  // namespace jcn
