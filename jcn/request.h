// A request as the routes see it: checked by the guard, free of any server's types.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jcn {

struct AccessToken;  // access_token.h

struct Header {
  std::string_view name;
  std::string_view value;
};

// A decoded query parameter.
struct Parameter {
  std::string name;
  std::string value;
};

// Views stay valid while the request is handled. The path is kept as it was sent: routes split it
// first and decode its parts afterwards, so that an encoded '/' never moves a border.
struct Request {
  std::string_view method;     // as sent: "GET"
  std::string_view raw_path;   // begins with '/'; percent-encoded
  std::string_view raw_query;  // without '?'
  std::vector<Header> headers;
  std::string body;
  std::shared_ptr<const AccessToken> token;  // that it came with; null: none
  bool tokens_exist = false;                 // without one, nothing is written

  // The first header of that name, ASCII case ignored.
  std::optional<std::string_view> header(std::string_view name) const;
};

// Percent-decoding, strict (RFC 3986 §2.1): absent when an escape is malformed, or the result holds
// NUL, CR or LF or is no UTF-8. With `plus_is_space`, '+' is a space
// (application/x-www-form-urlencoded).
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);
// What is neither unreserved nor '/' becomes %NN.
std::string percent_encode(std::string_view bytes);

// Splits at '&', then at the first '='; empty pieces are skipped. Absent when one cannot be
// decoded.
std::optional<std::vector<Parameter>> parse_query(std::string_view raw_query);

// ASCII only, as HTTP wants it.
bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace jcn
