#include "value_key.h"

#include <algorithm>
#include <array>

#include "decimal.h"
#include "encoding.h"
#include "jcn/canonical.h"
#include "jcn/record.h"
#include "jcn/utf8.h"

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;
constexpr std::size_t longest_string = 96, string_beginning = 32;
constexpr std::size_t longest_digits = 60, beginning_pairs = 16;
constexpr std::size_t hash_bytes = 16;
constexpr unsigned char cut_mark = 0xff;

// The byte that stands for an exponent, or for where it stands.
constexpr unsigned char zero_byte = 0x80, low_exponent = 0x81, small_exponent = 0xc0,
                        high_exponent = 0xff;
constexpr std::int64_t largest_small = 62;
constexpr std::int64_t exponent_limit = 1'000'000'000'000'000'000;  // 10^18
// As JavaScript writes numbers: beyond these a number has an exponent, unless that makes it longer.
constexpr std::int64_t longest_plain = 21, most_zeros = 6, exponent_text = 4;

unsigned char byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

void append_hash(std::string& out, std::string_view whole) {
  ByteWriter(out).hash(hash128(whole));
}

void append_exponent(std::string& out, std::int64_t exponent) {
  if (exponent > largest_small) {
    out += static_cast<char>(high_exponent);
    append_be64(out, static_cast<std::uint64_t>(exponent));
  } else if (exponent < -largest_small) {
    out += static_cast<char>(low_exponent);
    append_be64(out, static_cast<std::uint64_t>(exponent + exponent_limit));
  } else {
    out += static_cast<char>(small_exponent + exponent);
  }
}

// From `from` on: of a negative number.
void invert(std::string& out, std::size_t from) {
  for (std::size_t i = from; i < out.size(); ++i) out[i] = static_cast<char>(~out[i]);
}

template <class Digit>  // digit(i): '0' to '9', '0' behind the last
void append_pairs(std::string& out, std::size_t pairs, bool more, Digit&& digit) {
  for (std::size_t i = 0; i < pairs; ++i) {
    const int pair = (digit(2 * i) - '0') * 10 + (digit(2 * i + 1) - '0');
    out += static_cast<char>(2 * pair + (more || i + 1 < pairs ? 1 : 0));
  }
}

// False: it is not written as a whole number, or is a long one.
bool append_short_integer(std::string& out, std::string_view number) {
  const bool negative = number.front() == '-';
  std::string_view digits = number.substr(negative ? 1 : 0);
  if (digits.size() > longest_digits || digits.front() == '0') return false;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
  }
  const std::size_t start = out.size();
  out += static_cast<char>(small_exponent + digits.size());
  while (digits.back() == '0') digits.remove_suffix(1);
  append_pairs(out, (digits.size() + 1) / 2, false,
               [digits](std::size_t i) { return i < digits.size() ? digits[i] : '0'; });
  if (negative) invert(out, start);
  return true;
}

std::string hashed_text(const Decimal& number, std::size_t digits) {
  std::string text = number.sign() < 0 ? "-" : "";
  for (std::size_t i = 0; i < digits; ++i) text += number.digit(i);
  text += 'e';
  text += number.exponent_text();
  return text;
}

void append_number(std::string& out, std::string_view text) {
  if (append_short_integer(out, text)) return;
  const Decimal number(text);
  if (number.sign() == 0) {
    out += static_cast<char>(zero_byte);
    return;
  }
  const std::size_t start = out.size();
  const std::size_t digits = number.significant();
  const auto exponent = number.exponent();
  bool cut = true;
  if (!exponent) {
    append_exponent(out, number.exponent_negative() ? -exponent_limit : exponent_limit);
  } else {
    append_exponent(out, *exponent);
    cut = digits > longest_digits;
    append_pairs(out, cut ? beginning_pairs : (digits + 1) / 2, cut,
                 [&](std::size_t i) { return i < digits ? number.digit(i) : '0'; });
  }
  if (cut) out += static_cast<char>(cut_mark);
  if (number.sign() < 0) invert(out, start);
  if (cut) append_hash(out, hashed_text(number, digits));
}

// A number's key taken apart; its parts are those of the absolute value.
class NumberKey {
 public:
  explicit NumberKey(std::string_view key) : bytes_(key.substr(1)) {
    if (bytes_.empty()) return;
    negative_ = byte_at(bytes_, 0) < zero_byte;
    const unsigned char head = at(0);
    if (head == high_exponent || head == low_exponent) {
      if (bytes_.size() < 9) return;
      std::uint64_t wide = 0;
      for (std::size_t i = 1; i < 9; ++i) wide = wide << 8 | at(i);
      if (wide > exponent_limit) return;
      exponent_ = static_cast<std::int64_t>(wide) - (head == low_exponent ? exponent_limit : 0);
      // An exponent has one form only.
      if (head == low_exponent ? exponent_ >= -largest_small : exponent_ <= largest_small) return;
      beyond_ = exponent_ == exponent_limit || exponent_ == -exponent_limit;
      digits_ = 9;
    } else if (head > low_exponent) {
      exponent_ = head - small_exponent;
      digits_ = 1;
    }
  }

  // How many bytes stand before the mark of a cut key; of others, at most as many.
  std::size_t beginning() const {
    if (digits_ == 0) return bytes_.size();
    return std::min(digits_ + (beyond_ ? 0 : beginning_pairs), bytes_.size());
  }
  bool cut() const {
    return digits_ != 0 && bytes_.size() == beginning() + 1 + hash_bytes &&
           at(beginning()) == cut_mark;
  }
  bool zero() const { return bytes_.size() == 1 && byte_at(bytes_, 0) == zero_byte; }
  bool negative() const { return negative_; }
  std::int64_t exponent() const { return exponent_; }

  // Absent: malformed, or not whole.
  std::optional<std::string> digits() const {
    if (digits_ == 0 || beyond_ || bytes_.size() == digits_) return std::nullopt;
    std::string out;
    for (std::size_t i = digits_; i < bytes_.size(); ++i) {
      const unsigned char byte = at(i);
      const bool more = byte & 1U;
      if (byte >= 200 || more != (i + 1 < bytes_.size())) return std::nullopt;
      out += static_cast<char>('0' + byte / 20);
      out += static_cast<char>('0' + byte / 2 % 10);
    }
    if (out.back() == '0') out.pop_back();
    if (out.front() == '0' || out.back() == '0' || out.size() > longest_digits) return std::nullopt;
    return out;
  }

 private:
  unsigned char at(std::size_t i) const {
    const unsigned char byte = byte_at(bytes_, i);
    return negative_ ? static_cast<unsigned char>(~byte) : byte;
  }

  std::string_view bytes_;  // behind the type
  bool negative_ = false;
  bool beyond_ = false;     // the exponent is out of range
  std::size_t digits_ = 0;  // where they begin; 0: malformed
  std::int64_t exponent_ = 0;
};

std::optional<std::string> number_json(std::string_view key) {
  const NumberKey number(key);
  if (number.zero()) return "0";
  auto whole = number.digits();
  if (!whole) return std::nullopt;
  std::string& digits = *whole;
  const std::string sign = number.negative() ? "-" : "";
  const auto count = static_cast<std::int64_t>(digits.size());
  std::int64_t exponent = number.exponent();
  if (exponent > 0 && exponent <= std::max(longest_plain, count + exponent_text)) {
    if (exponent >= count)
      return sign + digits.append(static_cast<std::size_t>(exponent - count), '0');
    digits.insert(static_cast<std::size_t>(exponent), 1, '.');
    return sign + digits;
  }
  if (exponent <= 0 && exponent > -most_zeros) {
    return sign + "0." + std::string(static_cast<std::size_t>(-exponent), '0') + digits;
  }
  if (count > 1) digits.insert(1, 1, '.');
  --exponent;  // of the first digit
  return sign + digits + (exponent < 0 ? "e" : "e+") + std::to_string(exponent);
}

}  // namespace

std::string marker_key(KeyType type) {
  return std::string(1, static_cast<char>(type));
}

void append_value_key(std::string& out, std::string_view scalar) {
  switch (json_type(scalar)) {
    case JsonType::null:
      out += static_cast<char>(KeyType::null);
      return;
    case JsonType::boolean:
      out += static_cast<char>(scalar.front() == 't' ? KeyType::true_ : KeyType::false_);
      return;
    case JsonType::number:
      out += static_cast<char>(KeyType::number);
      append_number(out, scalar);
      return;
    case JsonType::string:
      if (scalar.find('\\') == none) {
        append_string_key(out, scalar.substr(1, scalar.size() - 2));
      } else {
        append_string_key(out, json_unquote(scalar));
      }
      return;
    case JsonType::array:
      out += static_cast<char>(KeyType::array);
      return;
    case JsonType::object:
      out += static_cast<char>(KeyType::object);
      return;
  }
}

void append_string_key(std::string& out, std::string_view text) {
  out += static_cast<char>(KeyType::string);
  if (text.size() <= longest_string) {
    out += text;
    return;
  }
  out += text.substr(0, string_beginning);
  out += static_cast<char>(cut_mark);
  append_hash(out, text);
}

std::string value_key(std::string_view scalar) {
  std::string out;
  append_value_key(out, scalar);
  return out;
}

std::string string_key(std::string_view text) {
  std::string out;
  append_string_key(out, text);
  return out;
}

KeyType key_type(std::string_view key) {
  return key.empty() ? KeyType{} : static_cast<KeyType>(key.front());
}

bool is_cut(std::string_view key) {
  switch (key_type(key)) {
    case KeyType::string:
      return key.size() == 1 + string_beginning + 1 + hash_bytes &&
             byte_at(key, 1 + string_beginning) == cut_mark;
    case KeyType::number:
      return NumberKey(key).cut();
    default:
      return false;
  }
}

std::string_view key_beginning(std::string_view key) {
  switch (key_type(key)) {
    case KeyType::string:
      return key.substr(0, 1 + string_beginning);
    case KeyType::number:
      return key.substr(0, 1 + NumberKey(key).beginning());
    default:
      return key;
  }
}

std::optional<std::string> key_json(std::string_view key) {
  const auto word = [key](const char* text) {
    return key.size() == 1 ? std::optional<std::string>(text) : std::nullopt;
  };
  switch (key_type(key)) {
    case KeyType::null:
      return word("null");
    case KeyType::false_:
      return word("false");
    case KeyType::true_:
      return word("true");
    case KeyType::number:
      return number_json(key);
    case KeyType::string: {
      const auto text = key_string(key);
      if (!text || find_invalid_utf8(*text) != none) return std::nullopt;
      return json_quote(*text);
    }
    default:
      return std::nullopt;
  }
}

std::optional<std::string_view> key_string(std::string_view key) {
  if (key_type(key) != KeyType::string || is_cut(key)) return std::nullopt;
  return key.substr(1);
}

}  // namespace jcn
