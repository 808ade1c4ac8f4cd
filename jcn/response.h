// An answer as the routes build it: whole, before a byte of it is sent, but for those that go on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jcn {

// Sends a piece of a body that goes on. False: the client is gone, or does not read.
using PieceSink = std::function<bool(std::string_view piece)>;

// Header values that come from data must be ASCII without control characters: routes only put
// encoded text (URLs, hexadecimal digits, dates) into them.
struct Response {
  std::shared_ptr<const void> keeps;  // until the answer is sent; gone after the body
  int status = 200;
  std::string_view content_type = "application/json";             // a literal
  std::vector<std::pair<std::string_view, std::string>> headers;  // names are literals
  std::string body;    // for HEAD too: the server sends its length and leaves it out
  bool close = false;  // end the connection after this answer
  // Stands for `body` in an answer that goes on: called once, behind the head, on the thread that
  // asked; not at all for HEAD. False when the body is not whole: the connection is cut off then,
  // so that the client can tell.
  std::function<bool(const PieceSink& send)> stream;
  // How many bytes that will be, where it is known beforehand.
  std::optional<std::uint64_t> stream_length;

  // The first header of that name, exactly as spelled.
  std::optional<std::string_view> header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return std::nullopt;
  }
};

// An empty 200 that nobody keeps: what it will say is so at this moment.
Response no_store();

// "Not Found" (RFC 9110 §15, RFC 6585).
std::string_view reason_phrase(int status);

// How the body's end is told. RFC 9112 §6: until_close is for clients of HTTP/1.0, who know no
// chunks.
enum class Framing : std::uint8_t { length, chunked, until_close };

// Status line and headers, with Date, Content-Type, what the framing wants (not for 304) and
// Connection; ends in the empty line.
std::string response_head(const Response& response, bool close, Framing framing = Framing::length);

}  // namespace jcn
