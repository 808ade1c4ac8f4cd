#include "http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>

#include "http_server_fixture.h"

namespace jcn {
namespace {

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

}  // namespace
}  // namespace jcn
