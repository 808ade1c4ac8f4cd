// The HTTP server: sockets and framing only. The sole user of civetweb.h (in http_server.cc).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access_token.h"
#include "http_counters.h"
#include "jcn/result.h"
#include "request.h"
#include "response.h"

namespace jcn {

struct HttpOptions {
  std::string address = "127.0.0.1";  // IPv4, as numbers
  std::uint16_t port = 8640;          // 0: the system picks a free one
  // Each connection holds a thread, idle ones too. While fewer than a quarter are free, answers end
  // their connection, and slow clients are given up early (slow_clients.h).
  unsigned threads = 256;
  unsigned queue = 256;                                  // connections that wait for a thread
  std::chrono::milliseconds request_timeout{10'000};     // for reading a request, writing an answer
  std::chrono::milliseconds keep_alive_timeout{15'000};  // an idle connection is closed after it
  std::uint64_t max_body = 1 << 20;                      // bytes
  std::vector<std::string> host_names;  // besides 127.0.0.1, localhost, [::1] and `address`
  std::vector<AccessToken> tokens;
  bool token_for_all = false;                 // refuse what comes without one of them
  std::function<void(std::string_view)> log;  // the server's own complaints; any thread
  std::shared_ptr<HttpCounters> counters = std::make_shared<HttpCounters>();
};

// Called by many threads at once. Their stacks are 100 KiB. What it throws becomes 500 or 503.
using Handler = std::function<Response(const Request&)>;

// Listens from start() on until it is destroyed; the destructor waits for requests
// under way. Requests that the guard refuses never reach the handler.
class HttpServer {
 public:
  // Errors: system (the port is taken, no threads).
  static Result<HttpServer> start(HttpOptions options, Handler handler);
  HttpServer(HttpServer&&) noexcept;
  HttpServer& operator=(HttpServer&&) noexcept;
  ~HttpServer();

  std::uint16_t port() const;
  void replace_tokens(
      std::vector<AccessToken> tokens);  // any thread; requests under way keep theirs

 private:
  struct Inside;
  explicit HttpServer(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace jcn
