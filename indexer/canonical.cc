#include "jcn/canonical.h"

#include "json_pointer.h"
#include "jcn/utf8.h"

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;
constexpr char hex_digits[] = "0123456789abcdef";

// Behind the string that begins at `at` with its quote.
std::size_t skip_string(std::string_view text, std::size_t at) {
  std::size_t from = at + 1;
  for (;;) {
    const std::size_t quote = text.find('"', from);
    if (quote == none) return text.size();
    std::size_t before = quote;
    while (before > from && text[before - 1] == '\\') --before;
    if ((quote - before) % 2 == 0) return quote + 1;
    from = quote + 1;
  }
}

// Behind the value that begins at `at`.
std::size_t skip_value(std::string_view text, std::size_t at) {
  if (text[at] == '"') return skip_string(text, at);
  std::size_t depth = 0;
  while (at < text.size()) {
    switch (text[at]) {
      case '"':
        at = skip_string(text, at);
        continue;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (depth == 0) return at;  // a scalar ends where its container does
        if (--depth == 0) return at + 1;
        break;
      case ',':
        if (depth == 0) return at;
        break;
      default:
        break;
    }
    ++at;
  }
  return at;
}

bool needs_escape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  out += "\\u00";
  out += hex_digits[static_cast<unsigned char>(c) >> 4];
  out += hex_digits[static_cast<unsigned char>(c) & 15];
}

unsigned hex4(std::string_view text, std::size_t at) {
  unsigned value = 0;
  for (std::size_t i = at; i < at + 4 && i < text.size(); ++i) {
    const char c = text[i];
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    value = value << 4 | (static_cast<unsigned>(digit) & 15);
  }
  return value;
}

std::optional<std::size_t> array_index(std::string_view token) {
  if (token.empty() || token.size() > 18 || (token.size() > 1 && token.front() == '0')) return {};
  std::size_t index = 0;
  for (const char c : token) {
    if (c < '0' || c > '9') return {};
    index = index * 10 + static_cast<std::size_t>(c - '0');
  }
  return index;
}

std::optional<std::string_view> element(std::string_view array, std::size_t index) {
  JsonCursor cursor(array);
  while (cursor.next()) {
    if (index-- == 0) return cursor.value();
  }
  return std::nullopt;
}

}  // namespace

JsonType json_type(std::string_view value) {
  switch (value.empty() ? 'n' : value.front()) {
    case '{':
      return JsonType::object;
    case '[':
      return JsonType::array;
    case '"':
      return JsonType::string;
    case 't':
    case 'f':
      return JsonType::boolean;
    case 'n':
      return JsonType::null;
    default:
      return JsonType::number;
  }
}

JsonCursor::JsonCursor(std::string_view container)
    : text_(container), at_(1), object_(json_type(container) == JsonType::object) {
  // A scalar has nothing to go through.
  if (!object_ && json_type(container) != JsonType::array) at_ = text_.size();
}

bool JsonCursor::next() {
  if (at_ >= text_.size()) return false;
  if (text_[at_] == ',') ++at_;
  if (text_[at_] == '}' || text_[at_] == ']') {
    at_ = text_.size();
    return false;
  }
  if (object_) {
    const std::size_t end = skip_string(text_, at_);
    name_ = text_.substr(at_, end - at_);
    at_ = end + 1;  // the colon
  }
  const std::size_t end = skip_value(text_, at_);
  value_ = text_.substr(at_, end - at_);
  at_ = end;
  return true;
}

std::optional<std::string_view> json_member(std::string_view object, std::string_view name) {
  if (json_type(object) != JsonType::object) return std::nullopt;
  // Canonical names have one spelling each, so they are compared as they stand.
  const std::string quoted = json_quote(name);
  JsonCursor cursor(object);
  while (cursor.next()) {
    if (cursor.name() == quoted) return cursor.value();
  }
  return std::nullopt;
}

std::optional<std::string_view> json_at(std::string_view document, std::string_view pointer) {
  const auto tokens = split_pointer(pointer);
  if (!tokens) return std::nullopt;
  std::optional<std::string_view> value = document;
  for (const std::string& token : *tokens) {
    if (json_type(*value) == JsonType::array) {
      const auto index = array_index(token);
      value = index ? element(*value, *index) : std::nullopt;
    } else {
      value = json_member(*value, token);
    }
    if (!value) return std::nullopt;
  }
  return value;
}

std::string json_unquote(std::string_view string_value) {
  std::string out;
  if (string_value.size() < 2) return out;
  const std::string_view text = string_value.substr(1, string_value.size() - 2);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t backslash = text.find('\\', at);
    out.append(text, at, backslash == none ? none : backslash - at);
    if (backslash == none || backslash + 1 >= text.size()) break;
    at = backslash + 2;
    switch (const char c = text[backslash + 1]) {
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u': {
        // Canonical text has \u00xx only, for control characters.
        append_utf8(out, hex4(text, at));
        at += 4;
        break;
      }
      default:
        out += c;
        break;
    }
  }
  return out;
}

void json_quote_onto(std::string& out, std::string_view text) {
  out += '"';
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!needs_escape(text[i])) continue;
    out.append(text, done, i - done);
    append_escaped(out, text[i]);
    done = i + 1;
  }
  out.append(text, done, none);
  out += '"';
}

std::string json_quote(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  json_quote_onto(out, text);
  return out;
}

std::string json_quote_bytes(std::string_view bytes) {
  if (find_invalid_utf8(bytes) == none) return json_quote(bytes);
  std::string text;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = utf8_length(bytes, at);
    if (length > 0) {
      text.append(bytes, at, length);
      at += length;
      continue;
    }
    text += "\\x";
    text += hex_digits[static_cast<unsigned char>(bytes[at]) >> 4];
    text += hex_digits[static_cast<unsigned char>(bytes[at]) & 15];
    ++at;
  }
  return json_quote(text);
}

}  // namespace jcn
