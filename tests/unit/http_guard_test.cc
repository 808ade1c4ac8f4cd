#include "http_guard.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

GuardOptions options() {
  GuardOptions guarded;
  guarded.port = 8640;
  guarded.host_names = {"notes.example", "[2001:db8::1]"};
  return guarded;
}

struct Sent {
  std::string_view method = "GET", version = "1.1", path = "/v1/videos", query = "";
  std::vector<Header> headers = {{"Host", "127.0.0.1:8640"}};

  Sent& with(std::string_view name, std::string_view value) {
    headers.push_back({name, value});
    return *this;
  }
  std::optional<Code> verdict() const {
    const auto refusal = guard({method, version, path, query, headers}, options());
    return refusal ? std::optional(refusal->code) : std::nullopt;
  }
};

Sent to_host(std::string_view host) {
  Sent sent;
  sent.headers = {{"Host", host}};
  return sent;
}

Sent post() {
  Sent sent;
  sent.method = "POST";
  return sent;
}

Sent target(std::string_view path, std::string_view query = "") {
  Sent sent;
  sent.path = path;
  sent.query = query;
  return sent;
}

TEST(HttpGuard, LetsOrdinaryRequestsPass) {
  EXPECT_EQ(Sent().verdict(), std::nullopt);
  EXPECT_EQ(Sent().with("User-Agent", "curl/7.88").with("X-Tab", "a\tb").verdict(), std::nullopt);
  EXPECT_EQ(post().with("Content-Length", "12").verdict(), std::nullopt);
  EXPECT_EQ(post().verdict(), std::nullopt) << "without a body";
  EXPECT_EQ(target("/v1/videos/a%2Fb%20%C3%A9", "_size=2&x=%25+y").verdict(), std::nullopt);
}

TEST(HttpGuard, KnowsItsOwnNamesWithAndWithoutThePort) {
  for (const char* host : {"127.0.0.1", "localhost", "LOCALHOST:8640", "[::1]", "[::1]:8640",
                           "notes.example", "Notes.Example:8640", "[2001:db8::1]:8640"})
    EXPECT_EQ(to_host(host).verdict(), std::nullopt) << host;
}

TEST(HttpGuard, RefusesForeignHosts) {
  for (const char* host :
       {"evil.example", "127.0.0.1.evil.example", "localhost:80", "localhost:", "localhost:8640x",
        "xlocalhost", "", "127.0.0.2", "localhost@evil.example", "localhost,evil.example", "[::2]"})
    EXPECT_EQ(to_host(host).verdict(), Code::foreign_host) << host;
  EXPECT_EQ(Sent().with("host", "127.0.0.1:8640").verdict(), Code::foreign_host) << "two of them";
}

TEST(HttpGuard, TakesAnyAddressButNoNameWhereItListensOnAll) {
  GuardOptions everywhere = options();
  everywhere.numeric_hosts = true;
  const auto verdict = [&](std::string_view host) {
    const std::vector<Header> headers = {{"Host", host}};
    const auto refusal = guard({"GET", "1.1", "/", "", headers}, everywhere);
    return refusal ? std::optional(refusal->code) : std::nullopt;
  };
  for (const char* host : {"192.168.1.5", "192.168.1.5:8640", "0.0.0.0", "255.255.255.255:8640",
                           "notes.example", "localhost:8640"})
    EXPECT_EQ(verdict(host), std::nullopt) << host;
  for (const char* host : {"192.168.1.5:80", "192.168.1.256", "192.168.1", "192.168.1.5.6",
                           "192.168.1.5.evil.example", "192.168.1.5x", "192.168.1.", ".192.168.1.5",
                           "192.168.1.5:", "-1.2.3.4", "evil.example", "0x7f.0.0.1", ""})
    EXPECT_EQ(verdict(host), Code::foreign_host) << host;
}

TEST(HttpGuard, WantsAHostFromHttp11On) {
  Sent sent;
  sent.headers.clear();
  EXPECT_EQ(sent.verdict(), Code::bad_request);
  sent.version = "1.0";
  EXPECT_EQ(sent.verdict(), std::nullopt);
}

TEST(HttpGuard, TakesTheOwnOriginOnly) {
  EXPECT_EQ(Sent().with("Origin", "http://127.0.0.1:8640").verdict(), std::nullopt);
  EXPECT_EQ(to_host("notes.example").with("Origin", "https://notes.example").verdict(),
            std::nullopt)
      << "TLS may end in front";
  for (const char* origin :
       {"null", "http://evil.example", "http://localhost:8640", "http://127.0.0.1", "file://",
        "http://", "", "http://127.0.0.1:8640 http://evil.example"})
    EXPECT_EQ(Sent().with("Origin", origin).verdict(), Code::foreign_origin) << origin;
  EXPECT_EQ(Sent()
                .with("Origin", "http://127.0.0.1:8640")
                .with("Origin", "http://127.0.0.1:8640")
                .verdict(),
            Code::foreign_origin);
}

TEST(HttpGuard, RefusesAnyTransferEncoding) {
  EXPECT_EQ(post().with("Transfer-Encoding", "chunked").verdict(), Code::transfer_encoding);
  EXPECT_EQ(post().with("transfer-encoding", "identity").verdict(), Code::transfer_encoding);
  EXPECT_EQ(post().with("Content-Length", "5").with("Transfer-Encoding", "chunked").verdict(),
            Code::transfer_encoding);
}

TEST(HttpGuard, RefusesAmbiguousLengths) {
  for (const char* length :
       {"", "-1", "+5", "5x", "0x5", "5,5", "5 5", "1e3", "99999999999999999999"})
    EXPECT_EQ(post().with("Content-Length", length).verdict(), Code::ambiguous_length) << length;
  EXPECT_EQ(post().with("Content-Length", "5").with("Content-Length", "5").verdict(),
            Code::ambiguous_length)
      << "equal ones too";
}

TEST(HttpGuard, RefusesBodiesThatAreTooLargeOrMisplaced) {
  EXPECT_EQ(post().with("Content-Length", "1048576").verdict(), std::nullopt);
  EXPECT_EQ(post().with("Content-Length", "1048577").verdict(), Code::body_too_large);
  EXPECT_EQ(Sent().with("Content-Length", "1").verdict(), Code::unexpected_body);
  EXPECT_EQ(Sent().with("Content-Length", "0").verdict(), std::nullopt);
  Sent head;
  head.method = "HEAD";
  EXPECT_EQ(head.with("Content-Length", "1").verdict(), Code::unexpected_body);
}

TEST(HttpGuard, ExpectsNothingButContinue) {
  EXPECT_EQ(post().with("Expect", "100-Continue").verdict(), std::nullopt);
  EXPECT_EQ(post().with("Expect", "200-ok").verdict(), Code::expectation_failed);
}

TEST(HttpGuard, RefusesTooManyHeaders) {
  Sent sent;
  while (sent.headers.size() < 63) sent.with("X", "y");
  EXPECT_EQ(sent.verdict(), std::nullopt);
  EXPECT_EQ(sent.with("X", "y").verdict(), Code::too_many_headers);
}

TEST(HttpGuard, RefusesMalformedHeaders) {
  EXPECT_EQ(Sent().with("X", "a\nTransfer-Encoding: chunked").verdict(), Code::bad_request);
  EXPECT_EQ(Sent().with("X", std::string_view("a\0b", 3)).verdict(), Code::bad_request);
  EXPECT_EQ(Sent().with("X", "\x7f").verdict(), Code::bad_request);
  EXPECT_EQ(Sent().with("X Y", "a").verdict(), Code::bad_request);
  EXPECT_EQ(Sent().with("", "a").verdict(), Code::bad_request);
}

TEST(HttpGuard, RefusesBadTargets) {
  for (const char* path : {"", "*", "v1", "http://127.0.0.1/", "/a%", "/a%4", "/a%zz", "/%00",
                           "/a%0d%0ab", "/%0A", "/%ff", "/%C3", "/%ED%A0%80", "/%F5%80%80%80",
                           "/%C0%AF", "/a b", "/a#b", "/\xC3\xA9", "/a\x7f"})
    EXPECT_EQ(target(path).verdict(), Code::bad_target) << path;
  EXPECT_EQ(target("/v1/videos", "a=%00").verdict(), Code::bad_target);
  EXPECT_EQ(target("/v1/videos", "a=%ff").verdict(), Code::bad_target);
}

TEST(HttpGuard, ReadsTheBodysLength) {
  EXPECT_EQ(body_length({}), 0u);
  EXPECT_EQ(body_length({{"content-length", " 42 "}}), 42u);
}

TEST(PercentDecode, DecodesOnceAndStrictly) {
  EXPECT_EQ(percent_decode("a%2520b", false), "a%20b");
  EXPECT_EQ(percent_decode("a+b%2B", true), "a b+");
  EXPECT_EQ(percent_decode("a+b", false), "a+b");
  EXPECT_EQ(percent_decode("%E2%82%AC", false), "€");
  EXPECT_EQ(percent_decode("%e2%82", false), std::nullopt);
  for (const std::string text : {"/ä €\"\\?#%&=+", "plain-._~"})
    EXPECT_EQ(percent_decode(percent_encode(text), true), text);
}

TEST(ParseQuery, SplitsBeforeItDecodes) {
  const auto parameters = parse_query("a=1&&b=x%26y%3Dz&c&d=e=f&=g");
  ASSERT_TRUE(parameters);
  ASSERT_EQ(parameters->size(), 5u);
  EXPECT_EQ((*parameters)[1].value, "x&y=z");
  EXPECT_EQ((*parameters)[2].name, "c");
  EXPECT_EQ((*parameters)[2].value, "");
  EXPECT_EQ((*parameters)[3].value, "e=f");
  EXPECT_EQ((*parameters)[4].name, "");
  EXPECT_FALSE(parse_query("a=%"));
}

}  // namespace
}  // namespace jcn
