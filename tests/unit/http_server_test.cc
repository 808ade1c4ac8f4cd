#include "http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>

#include "jcn/file_descriptor.h"

namespace jcn {
namespace {

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
constexpr std::size_t huge = 16'000'000;

Response echo(const Request& request) {
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

std::string status_of(const std::string& answer) {
  return answer.substr(0, 12);
}
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(HttpServerTest, PicksAPortAndAnswers) {
  EXPECT_GT(server_->port(), 0);
  RawClient client(server_->port());
  ASSERT_TRUE(client.connected());
  const std::string answer = client.ask(get("/a/../b//c%2Fd?x=%41+b"));
  EXPECT_EQ(status_of(answer), "HTTP/1.1 200");
  EXPECT_TRUE(has(answer, "\r\n\r\nGET /a/../b//c%2Fd?x=%41+b|"))
      << answer << "neither decoded nor tidied";
  EXPECT_TRUE(has(answer, "\r\nDate: ")) << answer;
  EXPECT_TRUE(has(answer, "\r\nConnection: keep-alive\r\n")) << answer;
}

TEST_F(HttpServerTest, RefusesATakenPort) {
  HttpOptions options = small();
  options.port = server_->port();
  const auto second = HttpServer::start(std::move(options), echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::system);
  EXPECT_TRUE(has(second.error().message, std::to_string(server_->port())))
      << second.error().message;
}

TEST_F(HttpServerTest, KeepsCleanConnections) {
  RawClient client(server_->port());
  for (int i = 0; i < 50; ++i)
    ASSERT_EQ(status_of(client.ask(get("/" + std::to_string(i)))), "HTTP/1.1 200") << i;
  client.send(get("/one") + get("/two"));  // pipelined
  EXPECT_TRUE(has(client.answer(), "GET /one"));
  EXPECT_TRUE(has(client.answer(), "GET /two"));
  EXPECT_EQ(counters_->requests, 52u);
}

TEST_F(HttpServerTest, ClosesWhenTheClientAsks) {
  RawClient client(server_->port());
  const std::string answer =
      client.ask("GET / HTTP/1.1\r\n" + host() + "Connection: close\r\n\r\n");
  EXPECT_TRUE(has(answer, "\r\nConnection: close\r\n")) << answer;
  EXPECT_TRUE(client.closed());
  RawClient old(server_->port());
  EXPECT_TRUE(has(old.ask("GET / HTTP/1.0\r\n\r\n"), "\r\nConnection: close\r\n"));
  EXPECT_TRUE(old.closed());
}

TEST_F(HttpServerTest, HeadHasTheLengthAndNoBody) {
  RawClient client(server_->port());
  client.send("HEAD /big HTTP/1.1\r\n" + host() + "\r\n");
  const std::string answer = client.answer(true);
  EXPECT_TRUE(has(answer, "\r\nContent-Length: 3000000\r\n")) << answer;
  EXPECT_TRUE(has(client.ask(get("/next")), "GET /next")) << "nothing stood in between";
}

TEST_F(HttpServerTest, NotModifiedHasNoBody) {
  RawClient client(server_->port());
  client.send(get("/same"));
  const std::string answer = client.answer();
  EXPECT_EQ(status_of(answer), "HTTP/1.1 304");
  EXPECT_FALSE(has(answer, "Content-Length")) << answer;
  EXPECT_TRUE(has(client.ask(get("/next")), "GET /next"));
}

TEST_F(HttpServerTest, SendsLargeBodiesWhole) {
  RawClient client(server_->port());
  const std::string answer = client.ask(get("/big"));
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, 3'000'000u);
}

TEST_F(HttpServerTest, ReadsBodiesThatComeInPieces) {
  RawClient client(server_->port());
  client.send("POST /p HTTP/1.1\r\n" + host() + "Content-Length: 10\r\n\r\n01234");
  client.send("56789");
  EXPECT_TRUE(has(client.answer(), "POST /p?|0123456789"));
  EXPECT_TRUE(has(client.ask(get("/next")), "GET /next?|"));
}

TEST_F(HttpServerTest, AnswersExpectContinue) {
  RawClient client(server_->port());
  const std::string go = client.ask("POST /p HTTP/1.1\r\n" + host() +
                                    "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(go, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(has(client.ask("ok"), "POST /p?|ok"));
}

TEST_F(HttpServerTest, RefusesALargeBodyAndStillSaysSo) {
  RawClient client(server_->port());
  const std::string answer =
      client.ask("POST /p HTTP/1.1\r\n" + host() + "Content-Length: 200000\r\n\r\n" +
                 std::string(200'000, 'x'));
  EXPECT_EQ(status_of(answer), "HTTP/1.1 413");
  EXPECT_TRUE(has(answer, "\"code\":\"body_too_large\"")) << answer;
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, ABodyThatStaysAwayEndsTheConnection) {
  RawClient client(server_->port());
  client.send("POST /p HTTP/1.1\r\n" + host() + "Content-Length: 10\r\n\r\nhalf");
  client.shut_write();
  EXPECT_EQ(status_of(client.answer()), "HTTP/1.1 400");
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, ExceptionsBecomeProblems) {
  RawClient client(server_->port());
  for (const char* path : {"/throw", "/throw-int"}) {
    const std::string answer = client.ask(get(path));
    EXPECT_EQ(status_of(answer), "HTTP/1.1 500") << path;
    EXPECT_TRUE(has(answer, "\"code\":\"internal\"")) << answer;
  }
  EXPECT_TRUE(has(client.ask(get("/next")), "GET /next"));
  const std::string answer = client.ask(get("/memory"));
  EXPECT_EQ(status_of(answer), "HTTP/1.1 503");
  EXPECT_TRUE(has(answer, "\"code\":\"overloaded\"}\n")) << answer;
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpServerTest, TellsConnectionsToCloseWhenThreadsRunShort) {
  HttpOptions options = small();
  options.threads = 8;
  server_.reset();
  start(options);
  std::vector<RawClient> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back(server_->port());
    EXPECT_TRUE(has(clients.back().ask(get("/")), "\r\nConnection: keep-alive\r\n")) << i;
  }
  clients.emplace_back(server_->port());
  EXPECT_TRUE(has(clients.back().ask(get("/")), "\r\nConnection: close\r\n"))
      << "the seventh of eight";
  EXPECT_TRUE(clients.back().closed());
}

TEST_F(HttpServerTest, StopsAtOnceBesideIdleConnections) {
  RawClient idle(server_->port()), silent(server_->port());
  ASSERT_EQ(status_of(idle.ask(get("/"))), "HTTP/1.1 200");
  const auto before = std::chrono::steady_clock::now();
  server_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(1500));
  EXPECT_TRUE(idle.closed());
}

TEST_F(HttpServerTest, ManyClientsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      RawClient client(server_->port());
      for (int i = 0; i < 200; ++i) {
        const std::string path = "/" + std::to_string(t) + "/" + std::to_string(i);
        if (has(client.ask(get(path)), "GET " + path + "?|")) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 1600);
}

// --- Slow clients (FAULTS 50)

class SlowClient : public HttpServerTest {
 protected:
  static HttpOptions impatient() {
    HttpOptions options = small();
    options.request_timeout = std::chrono::milliseconds(300);
    return options;
  }
  void SetUp() override { start(impatient()); }
  // Sends piece by piece until the server has had enough.
  static std::string dribble(RawClient& client, std::string_view piece) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (client.silent() && std::chrono::steady_clock::now() < until) {
      client.send(piece);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // slowness is the stimulus
    }
    return client.answer();
  }
};

TEST_F(SlowClient, AHeadThatDribblesInIsGivenUp) {
  RawClient client(server_->port());
  client.send("GET / HTTP/1.1\r\n" + host());
  const std::string answer = dribble(client, "X: y\r\n");
  EXPECT_EQ(status_of(answer), "HTTP/1.1 408") << answer;
  EXPECT_TRUE(has(answer, "\"code\":\"request_timeout\"")) << answer;
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(counters_->given_up, 1u);
  EXPECT_EQ(handled_, 0);
}

TEST_F(SlowClient, ASilentOneIsGivenUpWithoutAWord) {
  RawClient client(server_->port());
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(counters_->given_up, 1u);
}

TEST_F(SlowClient, ABodyThatDribblesInIsGivenUp) {
  RawClient client(server_->port());
  client.send("POST / HTTP/1.1\r\n" + host() + "Content-Length: 1000\r\n\r\n");
  const std::string answer = dribble(client, "x");
  EXPECT_EQ(status_of(answer), "HTTP/1.1 408") << answer;
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(handled_, 0);
}

TEST_F(SlowClient, AnAnswerThatIsTakenBitByBitIsCutOff) {
  RawClient client(server_->port(), 4096);
  client.send(get("/huge"));
  std::size_t taken = 0;
  while (const std::size_t some = client.take(16)) {
    taken += some;
    if (counters_->given_up == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(counters_->given_up, 1u);
  EXPECT_LT(taken, huge) << "it has not got all";
}

TEST_F(SlowClient, ManyOfThemLeaveAPlaceForOthers) {
  HttpOptions options = small();
  options.threads = 8;
  options.request_timeout = std::chrono::milliseconds(60'000);
  server_.reset();
  start(options);
  std::vector<RawClient> slow;
  for (int i = 0; i < 100; ++i) {
    slow.emplace_back(server_->port());
    slow.back().send("GET / HTTP/1.1\r\n" + host());
  }
  RawClient good(server_->port());
  EXPECT_TRUE(has(good.ask(get("/good")), "GET /good"));
  EXPECT_GT(counters_->given_up, 90u);
}

TEST_F(SlowClient, AnAnswerKeepsWhatItHoldsUntilItIsTaken) {
  std::atomic<int> held{0};
  server_.reset();
  HttpOptions options = impatient();
  auto started = HttpServer::start(options, [&held](const Request&) {
    Response response;
    ++held;
    response.keeps = std::shared_ptr<const void>(&held, [&held](const void*) { --held; });
    response.body.assign(huge, 'h');
    return response;
  });
  ASSERT_TRUE(started) << started.error().message;
  server_.emplace(std::move(*started));
  RawClient client(server_->port(), 4096);
  client.send(get("/"));
  EXPECT_GT(client.take(16), 0u);
  EXPECT_EQ(held, 1);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (held > 0 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(held, 0);
}

TEST_F(SlowClient, TheServerStopsBesideThem) {
  std::vector<RawClient> slow;
  HttpOptions options = small();
  options.request_timeout = std::chrono::milliseconds(60'000);
  server_.reset();
  start(options);
  for (const std::string& request :
       {std::string("GET / HT"), "POST / HTTP/1.1\r\n" + host() + "Content-Length: 9\r\n\r\nx",
        get("/huge")}) {
    slow.emplace_back(server_->port(), 4096);
    slow.back().send(request);
  }
  EXPECT_GT(slow.back().take(1), 0u);
  const auto before = std::chrono::steady_clock::now();
  server_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(1500));
}

// --- Tokens

class HttpToken : public HttpServerTest {
 protected:
  static constexpr std::string_view token = "sixteen-and-more-characters";
  void serve(bool for_all) {
    HttpOptions options = small();
    options.token = token;
    options.token_for_all = for_all;
    server_.reset();
    auto started = HttpServer::start(options, [](const Request& request) {
      Response response;
      response.body = request.authorized ? "known" : "unknown";
      return response;
    });
    ASSERT_TRUE(started) << started.error().message;
    server_.emplace(std::move(*started));
  }
  std::string ask(std::string_view authorization, std::string_view rest = "\r\n") {
    RawClient client(server_->port());
    std::string request = "POST / HTTP/1.1\r\n" + host();
    if (!authorization.empty()) request += "Authorization: " + std::string(authorization) + "\r\n";
    return client.ask(request + std::string(rest));
  }
  static std::string bearer(std::string_view of) { return "Bearer " + std::string(of); }
};

TEST_F(HttpToken, IsAskedOfAll) {
  serve(true);
  for (const std::string& wrong : {std::string(), bearer("sixteen-and-more-characterz"), bearer(""),
                                   std::string("Basic dTpw")}) {
    const std::string answer = ask(wrong);
    EXPECT_EQ(status_of(answer), "HTTP/1.1 401") << wrong;
    EXPECT_TRUE(has(answer, "\r\nWWW-Authenticate: Bearer realm=\"jcn\"\r\n")) << answer;
    EXPECT_TRUE(has(answer, "\"code\":\"unauthorized\"")) << answer;
    EXPECT_TRUE(has(answer, "\r\nConnection: close\r\n")) << answer;
  }
  EXPECT_TRUE(has(ask(bearer(token)), "\r\n\r\nknown"));
}

TEST_F(HttpToken, IsKnownWhereItIsNotAskedOfAll) {
  serve(false);
  EXPECT_TRUE(has(ask(""), "\r\n\r\nunknown"));
  EXPECT_TRUE(has(ask("Basic dTpw"), "\r\n\r\nunknown"));
  EXPECT_TRUE(has(ask(bearer(token)), "\r\n\r\nknown"));
  EXPECT_EQ(status_of(ask(bearer("another-one-of-some-length"))), "HTTP/1.1 401");
}

TEST_F(HttpToken, ARefusedBodyDoesNotCostTheAnswer) {
  serve(true);
  const std::string body(1000, 'x');
  EXPECT_EQ(status_of(ask("", "Content-Length: 1000\r\n\r\n" + body)), "HTTP/1.1 401");
}

TEST_F(HttpToken, CanBeReplaced) {
  serve(true);
  server_->replace_token("another-one-of-some-length");
  EXPECT_EQ(status_of(ask(bearer(token))), "HTTP/1.1 401");
  EXPECT_TRUE(has(ask(bearer("another-one-of-some-length")), "\r\n\r\nknown"));
  server_->replace_token("");
  EXPECT_EQ(status_of(ask("")), "HTTP/1.1 401") << "nobody's: nobody passes";
  EXPECT_EQ(status_of(ask(bearer(""))), "HTTP/1.1 401");
}

TEST_F(HttpServerTest, ListensOnEveryAddress) {
  HttpOptions options = small();
  options.address = "0.0.0.0";
  server_.reset();
  start(options);
  const std::string port = std::to_string(server_->port());
  RawClient client(server_->port());
  EXPECT_EQ(status_of(client.ask("GET / HTTP/1.1\r\nHost: 192.0.2.7:" + port + "\r\n\r\n")),
            "HTTP/1.1 200");
  EXPECT_EQ(status_of(client.ask("GET / HTTP/1.1\r\nHost: evil.example:" + port + "\r\n\r\n")),
            "HTTP/1.1 421");
}

// --- Answers that go on

// A server whose answers to /stream do what the test says.
class HttpStream : public HttpServerTest {
 protected:
  using Stream = std::function<bool(const PieceSink&)>;

  void serve(Stream stream, bool close = false) { serve(small(), std::move(stream), close); }
  void serve(HttpOptions options, Stream stream, bool close = false) {
    server_.reset();
    auto started = HttpServer::start(std::move(options), [stream, close](const Request& request) {
      if (request.raw_path != "/stream") return echo(request);
      Response response;
      response.content_type = "text/plain";
      response.stream = stream;
      response.close = close;
      return response;
    });
    ASSERT_TRUE(started) << started.error().message;
    server_.emplace(std::move(*started));
  }
  // Everything up to the end of the connection.
  std::string rest(RawClient& client) {
    std::string text, more;
    while (!(more = client.answer(true)).empty()) text += more;
    return text;
  }
};

bool say_two_words(const PieceSink& send) {
  return send("hello ") && send("") && send("world");
}

TEST_F(HttpStream, IsChunkedAndTheConnectionGoesOn) {
  serve(say_two_words);
  RawClient client(server_->port());
  client.send(get("/stream") + get("/next"));
  const std::string head = client.answer(true);
  EXPECT_TRUE(has(head, "\r\nTransfer-Encoding: chunked\r\n")) << head;
  EXPECT_FALSE(has(head, "Content-Length")) << head;
  EXPECT_TRUE(has(head, "\r\nConnection: keep-alive\r\n")) << head;
  const std::string body = client.answer(true);
  EXPECT_EQ(body.find("6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"), 0U) << body;
}

TEST_F(HttpStream, ClosesWhereItIsAskedTo) {
  serve(say_two_words, true);
  RawClient client(server_->port());
  client.send(get("/stream"));
  EXPECT_TRUE(has(rest(client), "world\r\n0\r\n\r\n"));
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpStream, EndsWithTheConnectionForHttp10) {
  serve(say_two_words);
  RawClient client(server_->port());
  client.send("GET /stream HTTP/1.0\r\n" + host() + "Connection: keep-alive\r\n\r\n");
  const std::string answer = rest(client);
  EXPECT_FALSE(has(answer, "Transfer-Encoding")) << answer;
  EXPECT_TRUE(has(answer, "\r\nConnection: close\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nhello world")) << answer;
}

TEST_F(HttpStream, IsNotCalledForHead) {
  std::atomic<int> calls{0};
  serve([&calls](const PieceSink&) { return ++calls > 0; });
  RawClient client(server_->port());
  client.send("HEAD /stream HTTP/1.1\r\n" + host() + "\r\n");
  EXPECT_TRUE(has(client.answer(true), "\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_TRUE(has(client.ask(get("/next")), "GET /next")) << "nothing stood in between";
  server_.reset();
  EXPECT_EQ(calls, 0);
}

// Without a last chunk no client takes what came for all.
TEST_F(HttpStream, IsCutOffWhenItFails) {
  const Stream refusing = [](const PieceSink& send) { return send("half") && false; };
  const Stream throwing = [](const PieceSink& send) -> bool {
    send("half");
    throw std::runtime_error("on purpose");
  };
  const Stream starving = [](const PieceSink& send) -> bool {
    send("half");
    throw std::bad_alloc();
  };
  for (const Stream& stream : {refusing, throwing, starving}) {
    serve(stream);
    RawClient client(server_->port());
    client.send(get("/stream"));
    const std::string answer = rest(client);
    EXPECT_TRUE(answer.ends_with("\r\n\r\n4\r\nhalf\r\n")) << answer;
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(HttpStream, AClientThatIsGoneIsNoticedByTheNextPiece) {
  std::mutex lock;
  std::condition_variable turn;
  bool gone = false;
  std::optional<bool> noticed;
  serve([&](const PieceSink& send) {
    const bool begun = send("first");  // not, when the client is gone already
    std::unique_lock guard(lock);
    turn.wait(guard, [&] { return gone; });
    // What the client's system says to a first write is heard by a later one.
    bool alive = begun;
    for (int pieces = 0; pieces < 3 && alive; ++pieces) alive = send("more");
    noticed = !alive;
    turn.notify_all();
    return alive;
  });
  {
    RawClient client(server_->port());
    client.send(get("/stream"));
    client.answer(true);
  }
  {
    std::unique_lock guard(lock);
    gone = true;
    turn.notify_all();
    turn.wait(guard, [&] { return noticed.has_value(); });
    EXPECT_TRUE(*noticed);
  }
  server_.reset();  // its thread is done with what stands here
}

TEST_F(HttpStream, AClientThatDoesNotReadIsGivenUp) {
  std::promise<bool> gave_up;
  HttpOptions options = small();
  options.request_timeout = std::chrono::milliseconds(200);
  serve(options, [&](const PieceSink& send) {
    const std::string piece(1 << 20, 'x');
    for (int i = 0; i < 64; ++i) {
      if (send(piece)) continue;
      gave_up.set_value(true);
      return false;
    }
    gave_up.set_value(false);
    return true;
  });
  RawClient client(server_->port());
  client.send(get("/stream"));
  EXPECT_TRUE(gave_up.get_future().get());
  server_.reset();  // its thread is done with what stands here
}

// What must be answered with 4xx, closed, and never handled; neither it nor what is smuggled
// behind.
struct Attack {
  const char* name;
  const char* status;
  std::string bytes;  // HOST stands for the Host header line, PORT for the server's port
};

class HttpAttack : public HttpServerTest, public ::testing::WithParamInterface<Attack> {};

TEST_P(HttpAttack, IsRefusedAndTheConnectionClosed) {
  std::string bytes = GetParam().bytes;
  for (std::size_t at; (at = bytes.find("HOST")) != std::string::npos;)
    bytes.replace(at, 4, host());
  if (const std::size_t at = bytes.find("PORT"); at != std::string::npos)
    bytes.replace(at, 4, std::to_string(server_->port()));
  RawClient client(server_->port());
  client.send(bytes);
  const std::string answer = client.answer();
  EXPECT_EQ(status_of(answer), std::string("HTTP/1.1 ") + GetParam().status) << answer;
  EXPECT_TRUE(has(answer, "Content-Type: application/problem+json\r\n")) << answer;
  EXPECT_TRUE(has(answer, "\r\nConnection: close\r\n")) << answer;
  EXPECT_TRUE(client.closed()) << "something followed";
  EXPECT_EQ(handled_, 0);
  EXPECT_EQ(counters_->refused, 1u);
}

void PrintTo(const Attack& attack, std::ostream* out) {
  *out << attack.name;
}

const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHOST\r\n";

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

INSTANTIATE_TEST_SUITE_P(
    FaultTable51, HttpAttack,
    ::testing::Values(
        Attack{"ForeignHost", "421", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n" + smuggled},
        Attack{"NoHost", "400", "GET / HTTP/1.1\r\nX: y\r\n\r\n" + smuggled},
        Attack{"NoHeaderAtAll", "400", "GET / HTTP/1.1\r\n\r\n" + smuggled},
        Attack{"TwoHosts", "421", "GET / HTTP/1.1\r\nHOSTHOST\r\n" + smuggled},
        Attack{"ForeignOrigin", "403",
               "POST / HTTP/1.1\r\nHOSTOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n" +
                   smuggled},
        Attack{"NullOrigin", "403", "GET / HTTP/1.1\r\nHOSTOrigin: null\r\n\r\n"},
        Attack{"Preflight", "403",
               "OPTIONS / HTTP/1.1\r\nHOSTOrigin: http://evil.example\r\n"
               "Access-Control-Request-Method: PUT\r\n\r\n"},
        Attack{"ChunkedWithLength", "400",
               "POST / HTTP/1.1\r\nHOSTContent-Length: 5\r\nTransfer-Encoding: "
               "chunked\r\n\r\n0\r\n\r\n" +
                   smuggled},
        Attack{"Chunked", "400",
               "POST / HTTP/1.1\r\nHOSTTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled},
        Attack{"OddTransferEncoding", "400",
               "POST / HTTP/1.1\r\nHOSTTransfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n" +
                   smuggled},
        Attack{"TwoLengths", "400",
               "POST / HTTP/1.1\r\nHOSTContent-Length: 0\r\nContent-Length: 44\r\n\r\n" + smuggled},
        Attack{"JunkLength", "400",
               "POST / HTTP/1.1\r\nHOSTContent-Length: 0x5\r\n\r\nhello" + smuggled},
        Attack{"SignedLength", "400",
               "POST / HTTP/1.1\r\nHOSTContent-Length: +5\r\n\r\nhello" + smuggled},
        Attack{"NegativeLength", "400",
               "POST / HTTP/1.1\r\nHOSTContent-Length: -1\r\n\r\n" + smuggled},
        Attack{"EmptyLength", "400", "POST / HTTP/1.1\r\nHOSTContent-Length:\r\n\r\n" + smuggled},
        Attack{"BodyOnGet", "400",
               "GET / HTTP/1.1\r\nHOSTContent-Length: 5\r\n\r\nhello" + smuggled},
        Attack{"SixtyFourHeaders", "431",
               "GET / HTTP/1.1\r\nHOST" + repeated("X: y\r\n", 63) + "\r\n" + smuggled},
        Attack{"LengthBehindSixtyFourHeaders", "431",
               "POST / HTTP/1.1\r\nHOST" + repeated("X: y\r\n", 63) + "Content-Length: 0\r\n\r\n" +
                   smuggled},
        Attack{"LongHead", "400",
               "GET / HTTP/1.1\r\nHOSTX: " + std::string(20'000, 'x') + "\r\n\r\n"},
        Attack{"FoldedHeader", "400",
               "POST / HTTP/1.1\r\nHOSTX: y\r\n z\r\nContent-Length: 0\r\n\r\n" + smuggled},
        Attack{"SpaceBeforeColon", "400",
               "POST / HTTP/1.1\r\nHOSTContent-Length : 0\r\n\r\n" + smuggled},
        Attack{"EmptyHeaderName", "400",
               "POST / HTTP/1.1\r\nHOST: y\r\nContent-Length: 0\r\n\r\n" + smuggled},
        Attack{"BareLineFeed", "400",
               "POST / HTTP/1.1\r\nHOSTX: y\nContent-Length: 0\r\n\r\n" + smuggled},
        Attack{"HeadEndsInBareLineFeeds", "400", "GET / HTTP/1.1\r\nHOST\n" + smuggled},
        Attack{"BareCarriageReturn", "400",
               "POST / HTTP/1.1\r\nHOSTX: y\rContent-Length: 0\r\n\r\n" + smuggled},
        Attack{"NulEscaped", "400", "GET /v1/videos/a%00b HTTP/1.1\r\nHOST\r\n" + smuggled},
        Attack{"CrLfEscaped", "400", "GET /v1/a%0d%0aX:%20y HTTP/1.1\r\nHOST\r\n" + smuggled},
        Attack{"NulInQuery", "400", "GET /?a=%00 HTTP/1.1\r\nHOST\r\n" + smuggled},
        Attack{"HalfAnEscape", "400", "GET /%4 HTTP/1.1\r\nHOST\r\n" + smuggled},
        Attack{"BadUtf8Escaped", "400", "GET /%ff HTTP/1.1\r\nHOST\r\n" + smuggled},
        Attack{"BadUtf8Raw", "400", "GET /\xff HTTP/1.1\r\nHOST\r\n" + smuggled},
        Attack{"NulRaw", "400", std::string("GET /a\0b HTTP/1.1\r\nHOST\r\n", 26)},
        Attack{"AbsoluteTarget", "400",
               "GET http://127.0.0.1:PORT/ HTTP/1.1\r\nHOST\r\n" + smuggled},
        Attack{"UnknownMethod", "400", "BREW / HTTP/1.1\r\nHOST\r\n" + smuggled},
        Attack{"UnknownVersion", "400", "GET / HTTP/3.0\r\nHOST\r\n" + smuggled},
        Attack{"NoHttp", "400", "hello there\r\n\r\n"},
        Attack{"Expectation", "417",
               "POST / HTTP/1.1\r\nHOSTExpect: miracles\r\nContent-Length: 0\r\n\r\n" + smuggled}),
    [](const auto& attack) { return std::string(attack.param.name); });

}  // namespace
}  // namespace jcn
