#include "gateway.h"

#include <algorithm>
#include <array>

#include "problem.h"

namespace cgi {
namespace {

constexpr std::array<std::string_view, 3> this_machine = {"localhost", "127.0.0.1", "[::1]"};

bool is_digits(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

// videos.example of videos.example:8080, [::1] of [::1]:8080; "" of what is neither.
std::string_view host_of(std::string_view host_and_port) {
  const std::size_t bracket = host_and_port.find(']');
  const std::size_t colon =
      host_and_port.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon == std::string_view::npos) return host_and_port;
  return is_digits(host_and_port.substr(colon + 1), 5) ? host_and_port.substr(0, colon)
                                                       : std::string_view();
}

bool is_host(std::string_view host) {
  const bool bracketed = host.starts_with('[');
  if (bracketed && (!host.ends_with(']') || host.size() < 4)) return false;
  const std::string_view inner = bracketed ? host.substr(1, host.size() - 2) : host;
  return !inner.empty() && inner.size() <= 255 &&
         inner.find_first_not_of(bracketed ? "0123456789abcdef:."
                                           : "0123456789abcdefghijklmnopqrstuvwxyz.-_") ==
             std::string_view::npos;
}

}  // namespace

Request read_request(const Variables& variables) {
  const auto value = [&](const char* name) {
    const char* said = variables(name);
    return std::string(said == nullptr ? "" : said);
  };
  Request request;
  request.method = value("REQUEST_METHOD");
  request.path = value("SCRIPT_NAME") + value("PATH_INFO");
  request.query_string = value("QUERY_STRING");
  request.scheme = value("HTTPS") == "on" ? "https" : "http";
  request.host = value("HTTP_HOST");
  if (request.host.empty()) request.host = value("SERVER_NAME") + ":" + value("SERVER_PORT");
  request.if_none_match = value("HTTP_IF_NONE_MATCH");
  return request;
}

std::optional<std::string> origin_host(const Request& request) {
  std::string host = request.host;
  std::transform(host.begin(), host.end(), host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  if (!is_host(host_of(host))) return std::nullopt;
  const std::string_view own_port = request.scheme == "https" ? ":443" : ":80";
  if (host.ends_with(own_port) && host_of(host).size() + own_port.size() == host.size())
    host.resize(host.size() - own_port.size());
  return host;
}

bool is_own_name(std::string_view host_and_port, const SiteSettings& settings) {
  const std::string_view host = host_of(host_and_port);
  return std::find(this_machine.begin(), this_machine.end(), host) != this_machine.end() ||
         std::find(settings.hosts.begin(), settings.hosts.end(), host) != settings.hosts.end();
}

std::string as_cgi(const Response& response, bool with_body) {
  std::string out;
  const auto line = [&](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
  };
  line("Status", std::to_string(response.status) + " " + std::string(reason_of(response.status)));
  line("Content-Security-Policy",
       std::string("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                   "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
                   "frame-ancestors ") +
           (response.may_be_framed ? "*" : "'none'"));
  line("X-Content-Type-Options", "nosniff");
  line("Referrer-Policy", "same-origin");
  line("Cross-Origin-Opener-Policy", "same-origin");
  line("Cache-Control", response.cache_control);
  if (!response.etag.empty()) line("ETag", response.etag);
  if (response.retry_after > 0) line("Retry-After", std::to_string(response.retry_after));
  if (response.names_methods) line("Allow", "GET, HEAD");
  if (response.status != 304) {
    line("Content-Type", response.content_type);
    line("Content-Length", std::to_string(response.body.size()));
  }
  out += "\r\n";
  if (with_body && response.status != 304) out += response.body;
  return out;
}

}  // namespace cgi
