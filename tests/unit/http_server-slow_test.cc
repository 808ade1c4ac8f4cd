#include "http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "http_server_fixture.h"

namespace jcn {
namespace {

// Slow clients (FAULTS 50).
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

}  // namespace
}  // namespace jcn
