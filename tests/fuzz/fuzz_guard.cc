// The head of a request, one header a line: the guard lets nothing through that it must refuse, and
// what it lets through decodes strictly.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http_guard.h"
#include "property.h"
#include "request.h"

namespace {

std::string_view line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view found = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return found;
}

std::string_view word(std::string_view& rest) {
  const std::size_t end = rest.find(' ');
  const std::string_view found = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return found;
}

bool named(const jcn::Header& header, std::string_view name) {
  return jcn::equal_ignoring_case(header.name, name);
}

}  // namespace

// METHOD TARGET VERSION, then NAME:VALUE lines.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::string_view first = line(rest);
  const std::string_view method = word(first);
  std::string_view path = word(first);
  const std::string_view version = first;
  std::string_view query;
  if (const std::size_t mark = path.find('?'); mark != std::string_view::npos) {
    query = path.substr(mark + 1);
    path = path.substr(0, mark);
  }
  std::vector<jcn::Header> headers;
  while (!rest.empty()) {
    std::string_view text = line(rest);
    const std::size_t colon = std::min(text.find(':'), text.size());
    headers.push_back({text.substr(0, colon), text.substr(std::min(colon + 1, text.size()))});
  }
  jcn::GuardOptions options;
  options.port = 8640;
  options.max_body = 1000;
  const auto refusal = jcn::guard({method, version, path, query, headers}, options);
  const auto decoded = jcn::percent_decode(path, false);
  const auto parameters = jcn::parse_query(query);
  if (decoded) {
    PROPERTY(decoded->find_first_of(std::string_view("\0\r\n", 3)) == std::string::npos);
    PROPERTY(jcn::percent_decode(jcn::percent_encode(*decoded), false) == decoded);
  }
  if (refusal) {
    PROPERTY(!refusal->detail.empty());
    return 0;
  }
  PROPERTY(decoded.has_value());
  PROPERTY(headers.size() <= options.max_headers);
  PROPERTY(!path.empty() && path.front() == '/');
  PROPERTY(jcn::body_length(headers) <= options.max_body);
  unsigned lengths = 0;
  for (const jcn::Header& header : headers) {
    PROPERTY(!named(header, "Transfer-Encoding"));
    lengths += named(header, "Content-Length") ? 1 : 0;
  }
  PROPERTY(lengths <= 1);
  if (method == "GET" || method == "HEAD") PROPERTY(jcn::body_length(headers) == 0);
  return 0;
}
