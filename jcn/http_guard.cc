#include "http_guard.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace jcn {
namespace {

constexpr std::array<std::string_view, 3> loopback_names = {"127.0.0.1", "localhost", "[::1]"};

// Header values may hold HTAB and visible characters (RFC 9110 §5.5); a line feed among them is a
// line that the server took for part of this one.
bool visible(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
  });
}

// RFC 9110 §5.6.2.
bool is_token(std::string_view name) {
  static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           marks.find(c) != std::string_view::npos;
  });
}

std::string_view trimmed(std::string_view value) {
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  return value;
}

// `authority` is `name`, alone or with the listening port.
bool names(std::string_view authority, std::string_view name, std::uint16_t port) {
  if (authority.size() < name.size()) return false;
  if (!equal_ignoring_case(authority.substr(0, name.size()), name)) return false;
  std::string_view rest = authority.substr(name.size());
  if (rest.empty()) return true;
  if (rest.front() != ':') return false;
  rest.remove_prefix(1);
  std::uint16_t given = 0;
  const auto end = std::from_chars(rest.data(), rest.data() + rest.size(), given);
  return end.ec == std::errc() && end.ptr == rest.data() + rest.size() && given == port;
}

bool is_ipv4(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    std::uint8_t number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    if (end.ec != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(end.ptr - text.data()));
    if (part == 3) return text.empty();
    if (!text.starts_with('.')) return false;
    text.remove_prefix(1);
  }
  return false;
}

bool known_host(std::string_view authority, const GuardOptions& options) {
  const auto matches = [&](std::string_view name) { return names(authority, name, options.port); };
  const std::string_view name = authority.substr(0, authority.find(':'));
  return std::any_of(loopback_names.begin(), loopback_names.end(), matches) ||
         std::any_of(options.host_names.begin(), options.host_names.end(), matches) ||
         (options.numeric_hosts && is_ipv4(name) && matches(name));
}

// Same origin: the authority that the request itself was sent to. Both schemes, because TLS may end
// in front of us. "null" and lists never match.
bool same_origin(std::string_view origin, std::optional<std::string_view> host) {
  if (!host) return false;
  for (const std::string_view scheme :
       {std::string_view("http://"), std::string_view("https://")}) {
    if (origin.size() > scheme.size() &&
        equal_ignoring_case(origin.substr(0, scheme.size()), scheme))
      return equal_ignoring_case(origin.substr(scheme.size()), *host);
  }
  return false;
}

std::optional<std::uint64_t> digits(std::string_view text) {
  std::uint64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text.front() == '-' || end.ec != std::errc() ||
      end.ptr != text.data() + text.size())
    return std::nullopt;
  return value;
}

// The headers that the guard looks at; each may come once.
struct Known {
  std::optional<std::string_view> host, origin, length, expect;
  bool transfer_encoding = false;
};

std::optional<Refusal> read_headers(const std::vector<Header>& headers, Known& known) {
  for (const Header& header : headers) {
    if (!is_token(header.name) || !visible(header.value))
      return Refusal{Code::bad_request, "A header is malformed."};
    const auto once = [&](std::optional<std::string_view>& place) {
      const bool first = !place;
      place = trimmed(header.value);
      return first;
    };
    if (equal_ignoring_case(header.name, "Host")) {
      if (!once(known.host)) return Refusal{Code::foreign_host, "There are two Host headers."};
    } else if (equal_ignoring_case(header.name, "Origin")) {
      if (!once(known.origin))
        return Refusal{Code::foreign_origin, "There are two Origin headers."};
    } else if (equal_ignoring_case(header.name, "Content-Length")) {
      if (!once(known.length))
        return Refusal{Code::ambiguous_length, "There are two Content-Length headers."};
    } else if (equal_ignoring_case(header.name, "Expect")) {
      if (!once(known.expect))
        return Refusal{Code::expectation_failed, "There are two Expect headers."};
    } else if (equal_ignoring_case(header.name, "Transfer-Encoding")) {
      known.transfer_encoding = true;
    }
  }
  return std::nullopt;
}

std::optional<Refusal> check_body(std::string_view method, const Known& known,
                                  const GuardOptions& options) {
  if (known.transfer_encoding)
    return Refusal{Code::transfer_encoding,
                   "Transfer-Encoding is not taken; send a Content-Length."};
  if (known.expect && !equal_ignoring_case(*known.expect, "100-continue"))
    return Refusal{Code::expectation_failed, "Only 100-continue may be expected."};
  if (!known.length) return std::nullopt;
  const auto length = digits(*known.length);
  if (!length) return Refusal{Code::ambiguous_length, "Content-Length is not a number of bytes."};
  if (*length > 0 && (method == "GET" || method == "HEAD" || method == "DELETE"))
    return Refusal{Code::unexpected_body, "A GET, HEAD or DELETE request has no body here."};
  if (*length > options.max_body)
    return Refusal{Code::body_too_large, "The body is larger than this server takes."};
  return std::nullopt;
}

std::optional<Refusal> check_target(const RequestHead& head) {
  if (head.raw_path.empty() || head.raw_path.front() != '/')
    return Refusal{Code::bad_target, "The target is not a path that begins with '/'."};
  for (const std::string_view part : {head.raw_path, head.raw_query}) {
    // A fragment never belongs in a request (RFC 9112 §3.2); raw bytes are to be escaped.
    if (std::any_of(part.begin(), part.end(), [](char c) {
          const auto byte = static_cast<unsigned char>(c);
          return byte <= 0x20 || byte >= 0x7F || byte == '#';
        }))
      return Refusal{Code::bad_target, "The target has a character that must be percent-encoded."};
    if (!percent_decode(part, false))
      return Refusal{Code::bad_target,
                     "The target has a malformed escape, a NUL, CR or LF, or is not UTF-8."};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> guard(const RequestHead& head, const GuardOptions& options) {
  if (head.headers.size() > options.max_headers)
    return Refusal{Code::too_many_headers, "There are too many headers."};
  Known known;
  if (auto refusal = read_headers(head.headers, known)) return refusal;
  if (!known.host && head.version != "1.0")
    return Refusal{Code::bad_request, "The Host header is missing."};
  if (known.host && !known_host(*known.host, options))
    return Refusal{Code::foreign_host, "The Host header names another server."};
  if (known.origin && !same_origin(*known.origin, known.host))
    return Refusal{Code::foreign_origin, "Pages of other origins may not ask here."};
  if (auto refusal = check_body(head.method, known, options)) return refusal;
  return check_target(head);
}

std::uint64_t body_length(const std::vector<Header>& headers) {
  for (const Header& header : headers) {
    if (equal_ignoring_case(header.name, "Content-Length"))
      return digits(trimmed(header.value)).value_or(0);
  }
  return 0;
}

}  // namespace jcn
