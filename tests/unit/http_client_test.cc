#include "http_client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

namespace jcn_client {
namespace {

using jcn::Code;
using testing::HasSubstr;
using testing::Not;

// Takes one connection, reads one request, and says what it was made with. Nothing: it waits until
// the client goes away.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : answer_(std::move(answer)) {
    listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    bind(listening_, reinterpret_cast<sockaddr*>(&address), length);
    listen(listening_, 1);
    getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &length);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~OneAnswer() {
    shutdown(listening_, SHUT_RDWR);  // where nobody came
    if (thread_.joinable()) thread_.join();
    close(listening_);
  }

  const std::string& url() const { return url_; }
  // Once the client has its answer.
  const std::string& request() {
    thread_.join();
    return request_;
  }

 private:
  bool whole() const {
    const std::size_t end = request_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const std::size_t length = request_.find("Content-Length: ");
    const std::size_t body =
        length == std::string::npos ? 0 : std::strtoul(&request_[length + 16], nullptr, 10);
    return request_.size() >= end + 4 + body;
  }
  void serve() {
    const int connection = accept(listening_, nullptr, nullptr);
    if (connection < 0) return;
    char bytes[4096];
    ssize_t count = 1;
    while ((answer_.empty() || !whole()) && (count = read(connection, bytes, sizeof bytes)) > 0)
      request_.append(bytes, static_cast<std::size_t>(count));
    if (send(connection, answer_.data(), answer_.size(), MSG_NOSIGNAL) < 0) request_ += " unheard";
    close(connection);
  }

  std::string answer_, url_, request_;  // the request: of the thread until it is joined
  int listening_ = -1;
  std::thread thread_;
};

std::string answer(const std::string& status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

TEST(HttpClient, SendsBodyAndHeadersAndTellsThoseOfTheAnswer) {
  OneAnswer server(
      answer("201 Created", "ETag: \"abc\"\r\nJcn-Seq: u-7\r\n", "{ \"seq\": \"u-7\" }"));
  HttpClient client(server.url() + "/", "secret");
  const auto said = client.ask({.target = "/v1/fragments/r/a%2Fb.json",
                                .method = Method::put,
                                .body = R"({"id":"a"})",
                                .headers = {{"If-None-Match", "*"}}});
  ASSERT_TRUE(said.ok()) << said.error().message;
  EXPECT_EQ(said->status, 201);
  EXPECT_EQ(said->header("etag"), "\"abc\"");
  EXPECT_EQ(said->header("jcn-seq"), "u-7");
  EXPECT_EQ(said->header("location"), "");
  EXPECT_EQ(said->body, R"({"seq":"u-7"})");
  const std::string& sent = server.request();
  EXPECT_THAT(sent, testing::StartsWith("PUT /v1/fragments/r/a%2Fb.json HTTP/1.1\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nIf-None-Match: *\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nAuthorization: Bearer secret\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(sent, Not(HasSubstr("Expect")));
  EXPECT_THAT(sent, testing::EndsWith("\r\n\r\n{\"id\":\"a\"}"));
}

TEST(HttpClient, DeletesWithoutABody) {
  OneAnswer server(answer("204 No Content", "", ""));
  HttpClient client(server.url(), "");
  ASSERT_TRUE(client
                  .ask({.target = "/v1/fragments/r/a.json",
                        .method = Method::remove,
                        .headers = {{"If-Match", "\"x\""}}})
                  .ok());
  const std::string& sent = server.request();
  EXPECT_THAT(sent, testing::StartsWith("DELETE /v1/fragments/r/a.json HTTP/1.1\r\n"));
  EXPECT_THAT(sent, Not(HasSubstr("Content-")));
  EXPECT_THAT(sent, Not(HasSubstr("Authorization")));
}

TEST(HttpClient, AProblemIsAnErrorWithItsCode) {
  OneAnswer server(
      answer("412 Precondition Failed", "",
             R"({"code":"precondition_failed","detail":"it is another","hint":"read"})"));
  HttpClient client(server.url(), "");
  const auto said = client.ask({.target = "/", .method = Method::put, .body = "{}"});
  ASSERT_FALSE(said.ok());
  EXPECT_EQ(said.error().code, Code::precondition_failed);
  EXPECT_EQ(said.error().message, "it is another");
  EXPECT_EQ(said.error().hint, "read");
}

TEST(HttpClient, ARefusalThatIsOnlyHalfJsonIsNotTakenForJcns) {
  OneAnswer server(answer("404 Not Found", "", R"({"code")"));
  HttpClient client(server.url(), "");
  const auto said = client.get("/v1/videos/a");
  ASSERT_FALSE(said.ok());
  EXPECT_EQ(said.error().code, Code::internal);
}

TEST(HttpClient, NotModifiedIsAnAnswer) {
  OneAnswer server(answer("304 Not Modified", "ETag: \"abc\"\r\n", ""));
  HttpClient client(server.url(), "");
  const auto said = client.ask({.target = "/", .headers = {{"If-None-Match", "\"abc\""}}});
  ASSERT_TRUE(said.ok()) << said.error().message;
  EXPECT_EQ(said->status, 304);
}

TEST(HttpClient, GoesNowhereElse) {
  OneAnswer elsewhere(answer("200 OK", "", "{}"));
  OneAnswer server(answer("302 Found", "Location: " + elsewhere.url() + "/\r\n", ""));
  setenv("http_proxy", elsewhere.url().c_str(), 1);
  HttpClient client(server.url(), "");
  const auto said = client.get("/");
  unsetenv("http_proxy");
  ASSERT_FALSE(said.ok());
  EXPECT_EQ(said.error().code, Code::internal);
  EXPECT_THAT(server.request(), testing::StartsWith("GET / HTTP/1.1\r\n"));
}

TEST(HttpClient, TakesNoLongerAnswerThanItMay) {
  OneAnswer server(answer("200 OK", "", "\"" + std::string(4000, 'x') + "\""));
  HttpClient client({.url = server.url(), .max_answer = 4001});
  const auto said = client.get("/");
  ASSERT_FALSE(said.ok());
  EXPECT_EQ(said.error().code, Code::internal);
  EXPECT_THAT(said.error().message, HasSubstr("more than 4001 bytes"));

  OneAnswer again(answer("200 OK", "", "\"" + std::string(4000, 'x') + "\""));
  EXPECT_TRUE(HttpClient({.url = again.url(), .max_answer = 4002}).get("/").ok());
}

TEST(HttpClient, WaitsNoLongerThanItMay) {
  OneAnswer silent("");
  HttpClient client({.url = silent.url(), .timeout = std::chrono::milliseconds(50)});
  const auto late = client.get("/");
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, Code::not_connected);
  EXPECT_THAT(late.error().message, HasSubstr("no answer in time"));

  OneAnswer other("");
  HttpClient hasty({.url = other.url(), .give_up = [] { return true; }});
  const auto given_up = hasty.get("/");
  ASSERT_FALSE(given_up.ok());
  EXPECT_EQ(given_up.error().code, Code::not_connected);
}

TEST(HttpClient, RefusesAHeaderThatWouldBeTwo) {
  HttpClient client("http://127.0.0.1:1", "");
  const auto said = client.ask({.target = "/", .headers = {{"If-Match", "x\r\nHost: y"}}});
  ASSERT_FALSE(said.ok());
  EXPECT_EQ(said.error().code, Code::bad_usage);
}

TEST(HttpClient, SaysWhenNobodyAnswers) {
  HttpClient client({.url = "http://127.0.0.1:1", .hint = "start it"});
  const auto said = client.get("/");
  ASSERT_FALSE(said.ok());
  EXPECT_EQ(said.error().code, Code::not_connected);
  EXPECT_EQ(said.error().hint, "start it");
}

}  // namespace
}  // namespace jcn_client
