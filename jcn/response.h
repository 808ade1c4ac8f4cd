// An answer as the routes build it: whole, before a byte of it is sent.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jcn {

// Header values that come from data must be ASCII without control characters: routes only put
// encoded text (URLs, hexadecimal digits, dates) into them.
struct Response {
  int status = 200;
  std::string_view content_type = "application/json";             // a literal
  std::vector<std::pair<std::string_view, std::string>> headers;  // names are literals
  std::string body;    // for HEAD too: the server sends its length and leaves it out
  bool close = false;  // end the connection after this answer

  // The first header of that name, exactly as spelled.
  std::optional<std::string_view> header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return std::nullopt;
  }
};

// "Not Found" (RFC 9110 §15, RFC 6585).
std::string_view reason_phrase(int status);

// Status line and headers, with Date, Content-Type, Content-Length (not for 304) and Connection;
// ends in the empty line.
std::string response_head(const Response& response, bool close);

}  // namespace jcn
