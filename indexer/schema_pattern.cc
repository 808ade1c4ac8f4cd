#include "schema_pattern.h"

#include <re2/re2.h>

#include <charconv>

#include "jcn/utf8.h"

namespace jcn {
namespace {

constexpr std::int64_t pattern_memory = 8 << 20;
constexpr std::size_t quoted_bytes = 100;  // of a pattern, in messages

// ECMA 262 §12.2, §12.3: white space and line ends, the others in order, and all but line ends.
constexpr std::string_view spaces =
    R"(\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff})";
constexpr std::string_view no_spaces =
    R"(\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-)"
    R"(\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff})";
constexpr std::string_view dot = R"([^\n\r\x{2028}\x{2029}])";
constexpr std::string_view anything = R"([\x{0}-\x{10ffff}])", nothing = R"([^\x{0}-\x{10ffff}])";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

class Translator {
 public:
  explicit Translator(std::string_view ecma) : in_(ecma) {}

  Result<std::string> translate() {
    while (at_ < in_.size()) JCN_CHECK(one());
    return std::move(out_);
  }

 private:
  Error wrong(const std::string& what) const {
    return {Code::bad_schema,
            "at character " + std::to_string(utf8_count(in_.substr(0, at_)) + 1) + ": " + what};
  }
  bool ahead(std::string_view text) const { return in_.substr(at_).starts_with(text); }
  void put(std::string_view text, std::size_t taken) {
    out_ += text;
    at_ += taken;
  }

  Result<void> one() {
    if (in_[at_] == '\\') return escape(false);
    if (in_[at_] == '[') return klass();
    if (in_[at_] == '.') {
      put(dot, 1);
    } else if (ahead("(?=") || ahead("(?!") || ahead("(?<=") || ahead("(?<!")) {
      return wrong("lookahead and lookbehind are not supported");
    } else if (ahead("(?<")) {
      put("(?P<", 3);
    } else if (ahead("(?") && !ahead("(?:")) {
      return wrong("a group begins with ( or (?:");
    } else {
      put(in_.substr(at_, 1), 1);
    }
    return {};
  }

  Result<void> klass() {
    if (ahead("[^]")) {
      put(anything, 3);
      return {};
    }
    if (ahead("[]")) {
      put(nothing, 2);
      return {};
    }
    put("[", 1);
    if (ahead("^")) put("^", 1);
    while (at_ < in_.size() && in_[at_] != ']') {
      if (in_[at_] == '\\') {
        JCN_CHECK(escape(true));
      } else if (in_[at_] == '[') {
        put("\\[", 1);  // RE2 would read [:alpha:]
      } else {
        put(in_.substr(at_, 1), 1);
      }
    }
    if (at_ == in_.size()) return wrong("a class in brackets has no end");
    put("]", 1);
    return {};
  }

  void put_character(std::uint32_t character, std::size_t taken) {
    char digits[8];
    const char* const end = std::to_chars(digits, digits + sizeof digits, character, 16).ptr;
    out_ += "\\x{";
    out_.append(digits, static_cast<std::size_t>(end - digits));
    put("}", taken);
  }

  // -1: there are not that many hexadecimal digits.
  std::int64_t hex(std::size_t at, std::size_t digits) const {
    if (at > in_.size() || in_.size() - at < digits) return -1;
    std::int64_t value = 0;
    for (std::size_t i = at; i < at + digits; ++i) {
      if (hex_digit(in_[i]) < 0) return -1;
      value = value * 16 + hex_digit(in_[i]);
    }
    return value;
  }

  Result<void> unicode_escape() {
    if (ahead("\\u{")) {
      const std::size_t end = in_.find('}', at_);
      const std::size_t digits = end == std::string_view::npos ? 0 : end - at_ - 3;
      const std::int64_t value = digits >= 1 && digits <= 8 ? hex(at_ + 3, digits) : -1;
      if (value < 0 || value > 0x10FFFF) return wrong("\\u{…} wants a code point");
      put_character(static_cast<std::uint32_t>(value), digits + 4);
      return {};
    }
    const std::int64_t first = hex(at_ + 2, 4);
    if (first < 0) return wrong("\\u wants four hexadecimal digits");
    if (first < 0xD800 || first > 0xDFFF) {
      put_character(static_cast<std::uint32_t>(first), 6);
      return {};
    }
    const bool pair = in_.substr(at_ + 6).starts_with("\\u");
    const std::int64_t second = pair ? hex(at_ + 8, 4) : -1;
    if (first > 0xDBFF || second < 0xDC00 || second > 0xDFFF) {
      return wrong("half of a surrogate pair is no character");
    }
    put_character(static_cast<std::uint32_t>(0x10000 + ((first - 0xD800) << 10) + second - 0xDC00),
                  12);
    return {};
  }

  Result<void> escape(bool in_class) {
    if (at_ + 1 == in_.size()) return wrong("a backslash stands at the end");
    const char c = in_[at_ + 1];
    switch (c) {
      case 'd':
      case 'D':
      case 'w':
      case 'W':
      case 't':
      case 'n':
      case 'v':
      case 'f':
      case 'r':
        put(in_.substr(at_, 2), 2);
        return {};
      case 's':
      case 'S': {
        const std::string_view set = c == 's' ? spaces : no_spaces;
        put(in_class ? std::string(set) : '[' + std::string(set) + ']', 2);
        return {};
      }
      case 'b':
        if (in_class) {
          put_character('\b', 2);
        } else {
          put("\\b", 2);
        }
        return {};
      case 'B':
        if (in_class) return wrong("\\B has no meaning in brackets");
        put("\\B", 2);
        return {};
      case 'u':
        return unicode_escape();
      case 'x':
        if (hex(at_ + 2, 2) < 0) return wrong("\\x wants two hexadecimal digits");
        put_character(static_cast<std::uint32_t>(hex(at_ + 2, 2)), 4);
        return {};
      case 'c':
        if (at_ + 2 >= in_.size() || !letter(in_[at_ + 2])) return wrong("\\c wants a letter");
        put_character(static_cast<std::uint32_t>(in_[at_ + 2]) & 31, 3);
        return {};
      case 'p':
      case 'P':
        put(in_.substr(at_, 2), 2);
        return {};
      case 'k':
        return wrong("back references are not supported");
      case '0':
        if (at_ + 2 < in_.size() && in_[at_ + 2] >= '0' && in_[at_ + 2] <= '9')
          return wrong("octal escapes are not supported");
        put_character(0, 2);
        return {};
      default:
        break;
    }
    if (c >= '1' && c <= '9') return wrong("back references are not supported");
    if (letter(c)) return wrong(std::string("there is no escape \\") + c);
    // Any other character stands for itself; RE2 wants no backslash before those beyond ASCII.
    const std::size_t length = std::max<std::size_t>(utf8_length(in_, at_ + 1), 1);
    if (length == 1 && c != '_') out_ += '\\';
    put(in_.substr(at_ + 1, length), 1 + length);
    return {};
  }

  const std::string_view in_;
  std::size_t at_ = 0;
  std::string out_;
};

std::string quoted(std::string_view pattern) {
  std::size_t length = std::min(pattern.size(), quoted_bytes);
  while (length > 0 && length < pattern.size() &&
         (static_cast<unsigned char>(pattern[length]) & 0xC0) == 0x80)
    --length;
  return "\"" + std::string(pattern.substr(0, length)) + (length < pattern.size() ? "…\"" : "\"");
}

}  // namespace

Result<std::string> re2_syntax(std::string_view ecma) {
  return Translator(ecma).translate();
}

SchemaPattern::SchemaPattern(std::unique_ptr<re2::RE2> compiled) : compiled_(std::move(compiled)) {
  // Where RE2 has to leave its automaton it walks the whole program for each byte.
  cost_ = 1 + static_cast<std::uint64_t>(compiled_->ProgramSize()) / 128;
}
SchemaPattern::SchemaPattern(SchemaPattern&&) noexcept = default;
SchemaPattern& SchemaPattern::operator=(SchemaPattern&&) noexcept = default;
SchemaPattern::~SchemaPattern() = default;

Result<SchemaPattern> SchemaPattern::compile(std::string_view ecma) {
  auto translated = re2_syntax(ecma);
  if (!translated) {
    return Error{Code::bad_schema,
                 "the pattern " + quoted(ecma) + ", " + translated.error().message};
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_max_mem(pattern_memory);
  auto compiled = std::make_unique<re2::RE2>(*translated, options);
  if (!compiled->ok()) {
    return Error{Code::bad_schema, "the pattern " + quoted(ecma) + ": " + compiled->error()};
  }
  return SchemaPattern(std::move(compiled));
}

bool SchemaPattern::found_in(std::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled_);
}

}  // namespace jcn
