// What is refused before any route sees it: a pure function over the head of a request. The server
// beneath is lenient in ways that matter on kept-alive connections and against web pages of other
// origins (DNS rebinding, request smuggling, cross-site posts), so everything doubtful is refused
// and the connection closed. Sources: RFC 9110, RFC 9112 §3.2, §6.3, §11.2; RFC 6454; the Fetch
// standard's Origin header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/codes.h"
#include "request.h"

namespace jcn {

struct GuardOptions {
  std::uint16_t port = 0;               // the listening one
  std::vector<std::string> host_names;  // allowed besides 127.0.0.1, localhost and [::1]
  // Any address may be the Host. (Names that an attacker's DNS rebinds are names.)
  bool numeric_hosts = false;
  std::size_t max_headers = 63;      // the server drops what goes beyond 64 in silence
  std::uint64_t max_body = 1 << 20;  // bytes
};

// The head of a request as it was sent.
struct RequestHead {
  std::string_view method;
  std::string_view version;    // "1.0", "1.1"
  std::string_view raw_path;   // the target up to '?'
  std::string_view raw_query;  // the target behind '?'
  const std::vector<Header>& headers;
};

struct Refusal {
  Code code;
  std::string_view detail;  // a literal
};

// Absent: the request may be handled. Thread-safe.
std::optional<Refusal> guard(const RequestHead& head, const GuardOptions& options);

// The declared length of a request that the guard let pass; 0 without a Content-Length.
std::uint64_t body_length(const std::vector<Header>& headers);

}  // namespace jcn
