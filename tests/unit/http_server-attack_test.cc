#include "http_server.h"

#include <gtest/gtest.h>

#include "http_server_fixture.h"

namespace jcn {
namespace {

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
