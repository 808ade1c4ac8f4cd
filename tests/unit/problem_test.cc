#include "problem.h"

#include <gtest/gtest.h>

#include "entity_tag.h"
#include "jcn/canonical.h"
#include "jcn/time_text.h"

namespace jcn {
namespace {

std::string member(const Response& response, std::string_view name) {
  const auto value = json_member(response.body, name);
  return value ? std::string(*value) : "(absent)";
}

TEST(Problem, IsAProblemDocument) {
  const Response response =
      problem(Code::bad_parameter, "a \"quoted\"\n\xff detail", "a hint", {{"/title", "too long"}});
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(member(response, "type"), "\"about:blank\"");
  EXPECT_EQ(member(response, "title"), "\"Bad Request\"");
  EXPECT_EQ(member(response, "status"), "400");
  EXPECT_EQ(member(response, "code"), "\"bad_parameter\"");
  EXPECT_EQ(member(response, "hint"), "\"a hint\"");
  EXPECT_EQ(member(response, "detail"), R"("a \"quoted\"\n\\xff detail")");
  EXPECT_EQ(member(response, "errors"), R"([{"pointer":"/title","detail":"too long"}])");
}

TEST(Problem, LeavesOutWhatThereIsNot) {
  const Response response = problem(Error{Code::sync_timeout, "late"});
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.header("Retry-After"), "1");
  EXPECT_EQ(member(response, "hint"), "(absent)");
  EXPECT_EQ(member(response, "errors"), "(absent)");
}

TEST(Problem, EveryCodeHasAStatusWithAPhrase) {
  for (const CodeRow& row : code_table) {
    const int status = http_status(row.code);
    EXPECT_NE(reason_phrase(status), "Unknown") << row.name;
    if (row.reject) {
      EXPECT_EQ(status, 422) << row.name;
    }
  }
  EXPECT_EQ(http_status(Code::foreign_host), 421);
  EXPECT_EQ(http_status(Code::internal), 500);
}

TEST(TimeText, Rfc3339KeepsTheFraction) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(rfc3339(1'772'366'400'123'456'789), "2026-03-01T12:00:00.123456789Z");
  EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999999999Z");
}

TEST(TimeText, HttpDateIsAnImfFixdate) {
  // The example of RFC 9110 §5.6.7.
  EXPECT_EQ(http_date(784'111'777'000'000'000), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST(EntityTag, MatchesAsRfc9110Says) {
  const std::string tag = "\"abc\"";
  for (const char* header : {"\"abc\"", "W/\"abc\"", "*", " * ", "\"x\", \"abc\"",
                             "\"x\",,W/\"abc\" ", "\"a,b\" , \"abc\""})
    EXPECT_TRUE(none_match_hits(header, tag)) << header;
  for (const char* header :
       {"", "abc", "\"abcd\"", "\"ab\"", "w/\"abc\"", "\"x\" \"abc\"", "\"abc", "*x", "**"})
    EXPECT_FALSE(none_match_hits(header, tag)) << header;
}

}  // namespace
}  // namespace jcn
