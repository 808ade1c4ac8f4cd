#include "http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "http_server_fixture.h"

namespace jcn {
namespace {

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

TEST_F(HttpServerTest, AnAddressThatIsNotEncodedGetsAHint) {
  RawClient client(server_->port());
  const std::string answer =
      client.ask("GET /v1/videos?_search=\u6708\u4eae HTTP/1.1\r\n" + host() + "\r\n");
  EXPECT_EQ(status_of(answer), "HTTP/1.1 400");
  EXPECT_TRUE(has(answer, "percent-encoded")) << answer;
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

// --- Tokens

class HttpToken : public HttpServerTest {
 protected:
  static constexpr std::string_view token = "sixteen-and-more-characters";
  void serve(bool for_all) {
    HttpOptions options = small();
    options.tokens = {AccessToken{std::string(token), {}, true}};
    options.token_for_all = for_all;
    server_.reset();
    auto started = HttpServer::start(options, [](const Request& request) {
      Response response;
      response.body = request.token ? "known" : "unknown";
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
  server_->replace_tokens({{"another-one-of-some-length", {}, true}});
  EXPECT_EQ(status_of(ask(bearer(token))), "HTTP/1.1 401");
  EXPECT_TRUE(has(ask(bearer("another-one-of-some-length")), "\r\n\r\nknown"));
  server_->replace_tokens({{"", {}, true}});
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

}  // namespace
}  // namespace jcn
