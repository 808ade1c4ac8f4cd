// A request as CGI (RFC 3875) and FastCGI hand it over, and the answer to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "site_settings.h"

namespace cgi {

struct Request {
  std::string method;
  std::string path;  // decoded by the web server
  std::string query_string;
  std::string scheme;  // http or https
  std::string host;    // as the client said it, with a port or without
  std::string if_none_match;
};

// What is longer is refused.
inline constexpr std::size_t longest_query_string = 8190;

// Of the variables that the standard names, and HTTPS. Of those that a client can choose (HTTP_…)
// only HTTP_HOST and HTTP_IF_NONE_MATCH are looked at.
Request read_request(const Variables& variables);

// videos.example:8080 in small letters, without the scheme's own port. Absent: no such name.
std::optional<std::string> origin_host(const Request& request);
// Whether the site is called that: by a name of this machine, or one of the administrator's.
bool is_own_name(std::string_view host_and_port, const SiteSettings& settings);

struct Response {
  int status = 200;
  std::string_view content_type = "text/html; charset=utf-8";
  std::string_view cache_control = "no-cache";
  std::string etag;            // "" for none
  int retry_after = 0;         // seconds; 0: nothing is said
  bool may_be_framed = false;  // by pages of other sites
  bool names_methods = false;  // Allow
  std::string body;
};

// The lines of the header and the body, for a web server. Nothing that a client or a note said is
// in a header.
std::string as_cgi(const Response& response, bool with_body);

}  // namespace cgi
