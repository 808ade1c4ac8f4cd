// A small HTTP client over libcurl, and the JSON that comes back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "jcn/result.h"

namespace jcnctl {

struct Answer {
  long status = 0;
  std::string body;  // canonical text, when the answer was JSON
};

// One connection, kept alive between requests. For one thread.
class HttpClient {
 public:
  // `url`: http://HOST:PORT, with or without a '/' behind. `token` goes with each request, unless
  // it is empty.
  HttpClient(std::string url, std::string token);
  HttpClient(HttpClient&&) noexcept = default;
  HttpClient& operator=(HttpClient&&) noexcept = default;

  const std::string& url() const { return url_; }

  // `target` begins with '/' and is encoded already. Any status of 400 and above becomes an Error
  // with the code and the hint of the problem+json body. Errors: not_connected when nothing
  // answers, internal when what answers is not jcn.
  jcn::Result<Answer> get(const std::string& target);
  // Hands on the body of an answer that goes on, as it comes, until it ends or `sink` returns
  // false. Errors: as get; not_connected also when the answer is cut off, or silent for `patience`.
  jcn::Result<void> stream(const std::string& target, std::chrono::seconds patience,
                           const std::function<bool(std::string_view bytes)>& sink);
  // Of the answer that is being handed on: how many bytes it has. 0: it does not say.
  std::uint64_t announced_bytes() const;
  jcn::Result<Answer> post(const std::string& target,
                           std::chrono::milliseconds timeout = std::chrono::seconds(30));

 private:
  jcn::Result<Answer> perform(const std::string& target, bool post,
                              std::chrono::milliseconds timeout);
  void begin(const std::string& target);
  struct Close {
    void operator()(void* handle) const;
  };
  std::string url_, token_;
  std::unique_ptr<void, Close> handle_;  // a CURL easy handle
};

// The daemon that serves an index, if one does.
jcn::Result<std::optional<HttpClient>> serving_daemon(const std::string& index,
                                                      const std::string& token);

// RFC 3986: everything but unreserved characters as %XX.
std::string percent_encoded(std::string_view bytes);

// Minified text of any JSON, as jcn/canonical.h reads it. Empty: no JSON.
std::string minified(std::string_view json);

// Members of an answer by name; a default when they are absent or of another type.
std::string text_member(std::string_view object, std::string_view name);
std::uint64_t number_member(std::string_view object, std::string_view name);
std::string raw_member(std::string_view object, std::string_view name);  // its text, or "null"

}  // namespace jcnctl
