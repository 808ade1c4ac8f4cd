#include "response.h"

#include <charconv>
#include <chrono>

#include "http_status.h"
#include "jcn/time_text.h"

namespace jcn {
namespace {

void append_number(std::string& out, std::uint64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end.ptr);
}

}  // namespace

Response no_store() {
  Response response;
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

std::string_view reason_phrase(int status) {
  for (const StatusRow& row : status_table) {
    if (row.status == status) return row.phrase;
  }
  return "Unknown";
}

std::string response_head(const Response& response, bool close, Framing framing) {
  std::string head;
  head.reserve(512);
  head += "HTTP/1.1 ";
  append_number(head, static_cast<std::uint64_t>(response.status));
  head += ' ';
  head += reason_phrase(response.status);
  head += "\r\nDate: ";
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  head += http_date(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  if (response.status != 304) {
    head += "\r\nContent-Type: ";
    head += response.content_type;
    if (framing == Framing::length) {
      head += "\r\nContent-Length: ";
      append_number(head, response.stream_length.value_or(response.body.size()));
    } else if (framing == Framing::chunked) {
      head += "\r\nTransfer-Encoding: chunked";
    }
  }
  for (const auto& [name, value] : response.headers) {
    head += "\r\n";
    head += name;
    head += ": ";
    head += value;
  }
  head += "\r\nX-Content-Type-Options: nosniff\r\nConnection: ";
  head += close ? "close" : "keep-alive";
  head += "\r\n\r\n";
  return head;
}

}  // namespace jcn
