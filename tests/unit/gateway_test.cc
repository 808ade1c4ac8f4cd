#include "gateway.h"

#include <gtest/gtest.h>

#include <map>

namespace {

using namespace cgi;

Request read(std::map<std::string, std::string> variables) {
  return read_request([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(Gateway, ReadsWhatServersHandOver) {
  const Request cgi = read({{"REQUEST_METHOD", "GET"},
                            {"SCRIPT_NAME", ""},
                            {"PATH_INFO", "/watch"},
                            {"QUERY_STRING", "v=a"},
                            {"HTTPS", "on"},
                            {"HTTP_HOST", "x"}});
  EXPECT_EQ(cgi.path, "/watch");
  EXPECT_EQ(cgi.scheme, "https");
  EXPECT_EQ(read({{"SCRIPT_NAME", "/watch"}}).path, "/watch");
  EXPECT_EQ(read({{"SERVER_NAME", "y"}, {"SERVER_PORT", "81"}}).host, "y:81");
  EXPECT_EQ(read({{"HTTP_X_FORWARDED_PROTO", "https"}, {"HTTPS", "off"}}).scheme, "http");
}

std::string host(std::string said, std::string scheme = "http") {
  Request request;
  request.host = std::move(said);
  request.scheme = std::move(scheme);
  return origin_host(request).value_or("none");
}

TEST(Gateway, HostsAreNamesWithAPort) {
  EXPECT_EQ(host("Videos.Example:8080"), "videos.example:8080");
  EXPECT_EQ(host("x:80"), "x");
  EXPECT_EQ(host("x:443", "https"), "x");
  EXPECT_EQ(host("x:80", "https"), "x:80");
  EXPECT_EQ(host("x:8080"), "x:8080");
  EXPECT_EQ(host("[::1]:80"), "[::1]");
  for (const char* none : {"", ":80", "x:", "x:a", "x:123456", "x/y", "x y", "x\"", "a@x", "[::1",
                           "[]", "[x]", "x\r\ny", "x<", "::1", "x:1:2", "]:80"})
    EXPECT_EQ(host(none), "none") << none;
}

TEST(Gateway, TheSiteAnswersToItsNamesOnly) {
  SiteSettings settings;
  settings.hosts = {"videos.example"};
  for (const char* own : {"localhost", "127.0.0.1:8080", "[::1]:1", "videos.example:81"})
    EXPECT_TRUE(is_own_name(own, settings)) << own;
  for (const char* other : {"example", "www.videos.example", "videos.example.org", "127.0.0.2"})
    EXPECT_FALSE(is_own_name(other, settings)) << other;
}

TEST(Gateway, TheHeaderOfAnAnswer) {
  Response response;
  response.body = "<p>";
  response.etag = "\"x\"";
  const std::string whole = as_cgi(response, true), head = as_cgi(response, false);
  EXPECT_TRUE(whole.starts_with("Status: 200 OK\r\n"));
  EXPECT_TRUE(whole.ends_with("\r\nContent-Length: 3\r\n\r\n<p>"));
  EXPECT_EQ(head + "<p>", whole);
  EXPECT_NE(whole.find("frame-ancestors 'none'\r\n"), whole.npos);
  EXPECT_EQ(whole.find("Allow"), whole.npos);
  response.status = 304;
  EXPECT_EQ(as_cgi(response, true).find("Content-"),
            as_cgi(response, true).find("Content-Security"));
  EXPECT_TRUE(as_cgi(response, true).ends_with("\r\n\r\n"));
  response.may_be_framed = response.names_methods = true;
  response.retry_after = 5;
  response.status = 503;
  EXPECT_NE(as_cgi(response, true).find("frame-ancestors *\r\n"), whole.npos);
  EXPECT_NE(as_cgi(response, true).find("Retry-After: 5\r\nAllow: GET, HEAD\r\n"), whole.npos);
}

}  // namespace
