// A server that echoes, and a client that sends bytes as they are.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "http_server.h"
#include "jcn/file_descriptor.h"

namespace jcn {

// One connection that sends bytes as they are.
class RawClient {
 public:
  // With a small buffer most of a large answer stays with the server.
  explicit RawClient(std::uint16_t port, int buffer_bytes = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (buffer_bytes > 0)
      setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    const timeval patience{20, 0};  // only a hanging server gets there
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  bool connected() const { return connected_; }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the server closed: what it answered tells
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  // One answer: head, and body by its Content-Length unless `head_only`.
  std::string answer(bool head_only = false) {
    std::size_t head = std::string::npos;
    while ((head = pending_.find("\r\n\r\n")) == std::string::npos && more()) {
    }
    if (head == std::string::npos) return std::exchange(pending_, {});
    std::size_t length = head + 4;
    const std::size_t at = pending_.find("Content-Length: ");
    if (!head_only && at < head) length += std::stoul(pending_.substr(at + 16));
    while (pending_.size() < length && more()) {
    }
    std::string whole = pending_.substr(0, length);
    pending_.erase(0, length);
    return whole;
  }
  std::string ask(std::string_view request) {
    send(request);
    return answer();
  }
  // True when the server has closed and sent nothing more.
  bool closed() {
    while (more()) {
    }
    return ended_ && pending_.empty();
  }
  // Nothing has come, and the server has not closed.
  bool silent() const {
    char byte;
    return ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
  }
  // Reads so many bytes at most; 0: the connection has ended.
  std::size_t take(std::size_t most) {
    std::string bytes(most, '\0');
    const ssize_t got = ::recv(socket_.get(), bytes.data(), most, 0);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  void shut_write() { ::shutdown(socket_.get(), SHUT_WR); }

 private:
  bool more() {
    char bytes[4096];
    const ssize_t got = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    if (got > 0) pending_.append(bytes, static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno == ECONNRESET)) ended_ = true;
    return got > 0;
  }

  FileDescriptor socket_;
  bool connected_ = false, ended_ = false;
  std::string pending_;
};

// More than the system takes for a client that does not read.
inline constexpr std::size_t huge = 16'000'000;

inline Response echo(const Request& request) {
  Response response;
  response.content_type = "text/plain";
  response.headers.emplace_back("X-Path", std::string(request.raw_path));
  if (request.raw_path == "/big") {
    response.body.assign(3'000'000, 'b');
  } else if (request.raw_path == "/huge") {
    response.body.assign(huge, 'h');
  } else if (request.raw_path == "/same") {
    response.status = 304;
    response.body = "never sent";
  } else if (request.raw_path == "/throw") {
    throw std::runtime_error("on purpose");
  } else if (request.raw_path == "/throw-int") {
    throw 1;
  } else if (request.raw_path == "/memory") {
    throw std::bad_alloc();
  } else {
    response.body = std::string(request.method) + ' ' + std::string(request.raw_path) + '?' +
                    std::string(request.raw_query) + '|' + request.body;
  }
  return response;
}

class HttpServerTest : public ::testing::Test {
 protected:
  static HttpOptions small() {
    HttpOptions options;
    options.port = 0;
    options.threads = 16;
    options.max_body = 1000;
    return options;
  }
  void start(HttpOptions options) {
    counters_ = options.counters;
    auto started = HttpServer::start(std::move(options), [this](const Request& request) {
      ++handled_;
      return echo(request);
    });
    ASSERT_TRUE(started) << started.error().message;
    server_.emplace(std::move(*started));
  }
  void SetUp() override { start(small()); }
  std::string host() const { return "Host: 127.0.0.1:" + std::to_string(server_->port()) + "\r\n"; }
  std::string get(std::string_view path) const {
    return "GET " + std::string(path) + " HTTP/1.1\r\n" + host() + "\r\n";
  }

  std::shared_ptr<HttpCounters> counters_;
  std::atomic<int> handled_{0};
  std::optional<HttpServer> server_;
};

inline std::string status_of(const std::string& answer) {
  return answer.substr(0, 12);
}
inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace jcn
