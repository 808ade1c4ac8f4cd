// How our programs ask jcn: a small HTTP client over libcurl. It goes straight to the address that
// it was given: no proxy of the environment, no redirect, no file: or other protocol.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jcn/percent.h"
#include "jcn/result.h"

namespace jcn_client {

// libcurl's own state: one in main(), before the first client, which it outlives.
class Library {
 public:
  Library();
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
};

inline constexpr const char* default_url = "http://127.0.0.1:8640";

struct Settings {
  std::string url;         // http://HOST:PORT, with or without a '/' behind
  std::string token = {};  // goes with each request, unless it is empty
  // For a whole request and its answer. Streams have their own patience.
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(2);
  std::uint64_t max_answer = std::uint64_t{64} << 20;  // bytes; streams may go on for ever
  // The hint of not_connected: what a user of this program can do.
  std::string hint = "is jcn running? name it with --url or JCN_URL";
  // Asked about once a second while an answer is waited for; true gives the request up.
  std::function<bool()> give_up = {};
};

using Header = std::pair<std::string, std::string>;

enum class Method : std::uint8_t { get, post, put, remove };

struct Request {
  std::string target;  // begins with '/', and is encoded already
  Method method = Method::get;
  std::string body = {};             // JSON; of post and put only
  std::vector<Header> headers = {};  // as If-Match; without line ends
  std::chrono::milliseconds timeout = std::chrono::milliseconds(0);  // 0: that of the settings
  bool any_status = false;  // what is refused is an answer, too
};

struct Answer {
  long status = 0;
  std::string body;             // canonical text, when the answer was JSON
  std::vector<Header> headers;  // names in small letters

  // "" when there is none. The first of several. `name` in small letters: "etag", "jcn-seq".
  std::string_view header(std::string_view name) const;
};

// One connection, kept alive between requests. For one thread.
class HttpClient {
 public:
  explicit HttpClient(Settings settings);
  HttpClient(std::string url, std::string token)
      : HttpClient(Settings{.url = std::move(url), .token = std::move(token)}) {}
  HttpClient(HttpClient&&) noexcept = default;
  HttpClient& operator=(HttpClient&&) noexcept = default;

  const std::string& url() const { return settings_.url; }

  // Statuses of 2xx, and the 304 of a request with If-None-Match, are answers. All others become an
  // Error with the code and the hint of the problem+json body. Errors: not_connected when nothing
  // answers, in time, or the request was given up; internal when what answers is not jcn, or says
  // more than it may; bad_usage for a header with a line end in it.
  jcn::Result<Answer> ask(const Request& request);
  jcn::Result<Answer> get(const std::string& target) { return ask({.target = target}); }
  jcn::Result<Answer> post(const std::string& target,
                           std::chrono::milliseconds timeout = std::chrono::milliseconds(0)) {
    return ask({.target = target, .method = Method::post, .timeout = timeout});
  }

  // Hands on the body of an answer that goes on, as it comes, until it ends or `sink` returns
  // false. Errors: as ask; not_connected also when the answer is cut off, or silent for `patience`.
  jcn::Result<void> stream(const std::string& target, std::chrono::seconds patience,
                           const std::function<bool(std::string_view bytes)>& sink);
  // Of the answer that is being handed on: how many bytes it has. 0: it does not say.
  std::uint64_t announced_bytes() const;

 private:
  void begin(const std::string& target);
  jcn::Error failure(int curl_code) const;
  struct Close {
    void operator()(void* handle) const;
  };
  Settings settings_;
  std::unique_ptr<void, Close> handle_;  // a CURL easy handle
};

using jcn::percent_encoded;

}  // namespace jcn_client
