#include "jcn/check.h"

#include <algorithm>

#include "canonical_writer.h"
#include "jcn/utf8.h"
#include "source_place.h"

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;
// RapidJSON counts a string's bytes in 32 bits.
constexpr std::uint64_t hard_max_bytes = 1ULL << 30;

Reject reject_at(std::string_view bytes, Code code, std::size_t offset, std::string message) {
  Reject reject;
  reject.code = code;
  reject.message = std::move(message);
  set_place(reject, bytes, offset);
  return reject;
}

std::optional<Reject> find_byte_order_mark(std::string_view bytes) {
  const auto mark = [bytes](const char* message) {
    return reject_at(bytes, Code::byte_order_mark, 0, message);
  };
  if (bytes.starts_with("\xEF\xBB\xBF")) {
    return mark("the file begins with a byte order mark; save it as UTF-8 without one");
  }
  // EF BB begins no other sensible text; EF alone is what is left of a mark that was cut.
  if (bytes.starts_with("\xEF\xBB") || bytes == "\xEF") {
    return mark("the file begins with half a byte order mark; save it as UTF-8 without one");
  }
  if (bytes.starts_with(std::string_view("\0\0\xFE\xFF", 4)) ||
      bytes.starts_with(std::string_view("\xFF\xFE\0\0", 4))) {
    return mark("the file is UTF-32; save it as UTF-8");
  }
  if (bytes.starts_with("\xFE\xFF") || bytes.starts_with("\xFF\xFE")) {
    return mark("the file is UTF-16; save it as UTF-8");
  }
  return std::nullopt;
}

// What concerns bytes, not JSON. Of a NUL and a broken sequence the first in the file counts.
std::optional<Reject> check_bytes(std::string_view bytes) {
  if (auto mark = find_byte_order_mark(bytes)) return mark;
  const std::size_t nul = bytes.find('\0');
  const std::size_t broken = find_invalid_utf8(bytes);
  if (broken < nul) {
    return reject_at(bytes, Code::invalid_utf8, broken, "the bytes from here on are no UTF-8");
  }
  if (nul == none) return std::nullopt;
  // RFC 4627 §3: JSON begins with two ASCII characters, so NULs among the first two bytes tell.
  const bool wide = bytes.size() >= 2 && (bytes[0] == '\0') != (bytes[1] == '\0');
  return reject_at(
      bytes, Code::nul_byte, nul,
      wide ? "a NUL byte; the file looks like UTF-16: save it as UTF-8" : "a NUL byte");
}

std::string found(std::string_view bytes, std::size_t at) {
  const std::size_t length = std::max<std::size_t>(utf8_length(bytes, at), 1);
  if (is_control(bytes, at, length)) return ", found a control character";
  return ", found '" + std::string(bytes.substr(at, length)) + "'";
}

bool number_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
         c == '+' || c == '-' || c == '_';
}

Fault value_fault(std::string_view bytes, std::size_t at, const CanonicalWriter& writer) {
  const char c = bytes[at];
  if (at > writer.last_end() && bytes[at - 1] == '-') {
    return {Code::invalid_number, at, "expected a digit after '-'" + found(bytes, at), true};
  }
  if (c == '+' || c == '.') {
    return {Code::invalid_number, at, "a number begins with a digit or '-'" + found(bytes, at),
            true};
  }
  if (c == 'N' || c == 'I') {
    return {Code::invalid_number, at, "JSON has neither NaN nor Infinity", true};
  }
  if (c == ']' || c == '}') {
    const std::size_t before = bytes.substr(0, at).find_last_not_of(" \t\r\n");
    if (before != none && bytes[before] == ',') {
      return {Code::syntax_error, at, std::string("a comma stands before '") + c + "'", true};
    }
  }
  return {
      Code::syntax_error, at,
      "expected a value (object, array, string, number, true, false or null)" + found(bytes, at),
      true};
}

Fault string_fault(std::string_view bytes, std::size_t at, const CanonicalWriter& writer) {
  // RapidJSON passes lone low surrogates, so an earlier one in the same string counts first.
  const std::size_t open = bytes.find('"', writer.last_end());
  if (auto fault = find_escape_fault(bytes, open, std::min(at + 1, bytes.size()))) return *fault;
  if (at >= bytes.size())
    return {Code::unexpected_end, bytes.size(), "the file ends within a string", true};
  return {Code::control_character, at, "control characters in strings must be escaped", true};
}

// RapidJSON's error in terms of ours. `at` is where it stands.
Fault classify(rapidjson::ParseErrorCode error, std::size_t at, std::string_view bytes,
               const CanonicalWriter& writer) {
  using namespace rapidjson;
  switch (error) {
    case kParseErrorStringEscapeInvalid:
    case kParseErrorStringUnicodeEscapeInvalidHex:
    case kParseErrorStringUnicodeSurrogateInvalid:
    case kParseErrorStringMissQuotationMark:
      return string_fault(bytes, std::min(at, bytes.size()), writer);
    case kParseErrorNumberTooBig:
      return {Code::number_out_of_range, at, "the number is larger than a double can hold", true};
    default:
      break;
  }
  if (at >= bytes.size()) {
    const bool in_value = error != kParseErrorObjectMissName &&
                          error != kParseErrorObjectMissCommaOrCurlyBracket &&
                          error != kParseErrorArrayMissCommaOrSquareBracket;
    return {Code::unexpected_end, bytes.size(), "the file ends before its value is complete",
            in_value};
  }
  if (writer.last_was_number() && at == writer.last_end() && number_character(bytes[at])) {
    const char* message = bytes[at - 1] == '0' && bytes[at] >= '0' && bytes[at] <= '9'
                              ? "a number must not begin with 0"
                              : "this does not belong in a number";
    return {Code::invalid_number, at, message + found(bytes, at), false};
  }
  switch (error) {
    case kParseErrorDocumentEmpty:
    case kParseErrorValueInvalid:
      return value_fault(bytes, at, writer);
    case kParseErrorDocumentRootNotSingular:
      return {Code::trailing_bytes, at, "nothing may follow the value" + found(bytes, at), false};
    case kParseErrorObjectMissName:
      if (bytes[at] == '}') return {Code::syntax_error, at, "a comma stands before '}'", false};
      return {Code::syntax_error, at,
              "expected a member's name in double quotes" + found(bytes, at), false};
    case kParseErrorObjectMissColon:
      return {Code::syntax_error, at, "expected ':' after a member's name" + found(bytes, at),
              true};
    case kParseErrorObjectMissCommaOrCurlyBracket:
      return {Code::syntax_error, at,
              "expected ',' or '}' after a member's value" + found(bytes, at), false};
    case kParseErrorArrayMissCommaOrSquareBracket:
      return {Code::syntax_error, at, "expected ',' or ']' after an element" + found(bytes, at),
              false};
    case kParseErrorNumberMissFraction:
      return {Code::invalid_number, at, "expected a digit after '.'" + found(bytes, at), true};
    case kParseErrorNumberMissExponent:
      return {Code::invalid_number, at, "expected a digit in the exponent" + found(bytes, at),
              true};
    default:
      return {Code::syntax_error, at, "the text is no JSON" + found(bytes, at), false};
  }
}

}  // namespace

std::variant<std::string, Reject> check_json(std::string_view bytes, const Limits& limits) {
  const auto without_place = [](Code code, std::string message) {
    Reject reject;
    reject.code = code;
    reject.message = std::move(message);
    return reject;
  };
  const std::uint64_t max_bytes = std::min(limits.max_bytes, hard_max_bytes);
  if (bytes.size() > max_bytes) {
    return without_place(Code::too_large, "more than " + std::to_string(max_bytes) + " bytes");
  }
  if (auto reject = check_bytes(bytes)) return *reject;
  if (bytes.find_first_not_of(" \t\r\n") == none) {
    return without_place(Code::empty_file,
                         bytes.empty() ? "the file is empty" : "the file holds only white space");
  }

  constexpr unsigned flags = rapidjson::kParseIterativeFlag |
                             rapidjson::kParseValidateEncodingFlag |
                             rapidjson::kParseNumbersAsStringsFlag;
  BoundedStream stream(bytes);
  CanonicalWriter writer(bytes, stream, limits);
  rapidjson::Reader reader;
  const rapidjson::ParseResult result = reader.Parse<flags>(stream, writer);
  if (!result.IsError()) return writer.take_text();

  const Fault fault =
      writer.fault() ? *writer.fault() : classify(result.Code(), result.Offset(), bytes, writer);
  Reject reject = reject_at(bytes, fault.code, fault.offset, fault.message);
  if (fault.code != Code::trailing_bytes) {
    std::string pointer = writer.pointer(fault.in_value);
    if (pointer.size() <= max_pointer_bytes) reject.pointer = std::move(pointer);
  }
  return reject;
}

std::variant<std::string, Reject> check_fragment(std::string_view bytes, const Limits& limits) {
  auto checked = check_json(bytes, limits);
  const auto* text = std::get_if<std::string>(&checked);
  if (!text || text->front() == '{') return checked;
  Reject reject = reject_at(bytes, Code::not_an_object, bytes.find_first_not_of(" \t\r\n"),
                            "the file must hold one object in braces");
  reject.pointer.emplace();
  return reject;
}

// A writer in mid-write may have cut the text, left an older tail, or not filled a hole yet: any
// verdict on the text may be its doing. Those on the file itself, or on an id in a whole text, are
// not.
bool may_be_torn(Code code) {
  return code == Code::unstable || (code >= Code::empty_file && code <= Code::not_an_object);
}

}  // namespace jcn
