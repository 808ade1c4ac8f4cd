// Writes JSON text from left to right, putting the commas. It holds no tree and checks nothing: the
// caller closes what it opened.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jcn/canonical.h"

namespace jcn {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& open(char bracket) {
    separate();
    out_ += bracket;
    return *this;
  }
  JsonWriter& close(char bracket) {
    out_ += bracket;
    comma_ = true;
    return *this;
  }
  // A member's name; its value follows. Names that come from data are quoted like any string.
  JsonWriter& key(std::string_view name) {
    separate();
    json_quote_onto(out_, name);
    out_ += ':';
    return *this;
  }
  JsonWriter& string(std::string_view text) {
    separate();
    json_quote_onto(out_, text);
    comma_ = true;
    return *this;
  }
  // For paths: bytes that are no UTF-8 are shown as \xNN.
  JsonWriter& bytes(std::string_view text) { return raw(json_quote_bytes(text)); }
  JsonWriter& number(std::uint64_t value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    return raw(std::string_view(digits, static_cast<std::size_t>(end.ptr - digits)));
  }
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  // JSON text as it stands.
  JsonWriter& raw(std::string_view json) {
    separate();
    out_ += json;
    comma_ = true;
    return *this;
  }
  JsonWriter& number_or_null(const std::optional<std::uint64_t>& value) {
    return value ? number(*value) : null();
  }
  JsonWriter& string_or_null(const std::optional<std::string>& text) {
    return text ? string(*text) : null();
  }

 private:
  // A comma before every name and element but a container's first; never between name and value.
  void separate() {
    if (comma_) out_ += ',';
    comma_ = false;
  }

  std::string& out_;
  bool comma_ = false;
};

}  // namespace jcn
