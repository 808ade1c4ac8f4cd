// openapi.json and the table of routes say the same. What the answers look like is checked against
// it by tests/integration/test_openapi.py.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "jcn/check.h"
#include "openapi_text.h"
#include "routes_fixture.h"

namespace jcn {
namespace {

class RouteOpenapi : public RoutesFixture {
 protected:
  void SetUp() override {
    RoutesFixture::SetUp();
    auto checked = check_json(openapi_text, Limits{16 << 20, 64, 100'000});
    ASSERT_TRUE(std::holds_alternative<std::string>(checked))
        << std::get<Reject>(checked).message << ", line " << *std::get<Reject>(checked).line;
    document_ = std::get<std::string>(checked);
  }
  std::string document_;
};

TEST_F(RouteOpenapi, DescribesExactlyTheRoutesThatThereAre) {
  std::set<std::string> described, served;
  for (JsonCursor path(*json_member(document_, "paths")); path.next();) {
    for (JsonCursor method(path.value()); method.next();) {
      const std::string name = json_unquote(method.name());
      if (name == "parameters") continue;
      described.insert(name + ' ' + json_unquote(path.name()));
    }
  }
  for (const RouteRow& row : route_table()) {
    const std::string path(row.path);
    std::string name(method_name(row.method));
    std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    served.insert(name + ' ' + path);
    if (row.method == Method::get) served.insert("head " + path);  // goes with GET
  }
  EXPECT_EQ(described, served);
}

TEST_F(RouteOpenapi, NamesEveryCodeOfProblemsAndRejects) {
  std::set<std::string> described, shown;
  for (const char* schema : {"ProblemCode", "RejectCode"}) {
    const auto codes = json_at(document_, std::string("/components/schemas/") + schema + "/enum");
    ASSERT_TRUE(codes) << schema;
    for (const std::string& each : elements(*codes))
      EXPECT_TRUE(described.insert(json_unquote(each)).second) << each;
  }
  for (const CodeRow& row : code_table) shown.insert(std::string(row.name));
  // No request is answered with these: they are messages of programs, or parts of an answer.
  for (const char* other : {"bad_configuration", "bad_usage", "not_connected", "index_in_use",
                            "index_unreadable", "index_format", "answer_full"})
    EXPECT_EQ(shown.erase(other), 1u) << other;
  EXPECT_EQ(described, shown);
}

TEST_F(RouteOpenapi, IsServedAsItStands) {
  const Response response = get("/openapi.json");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, openapi_text);
  const std::string tag(*response.header("ETag"));
  EXPECT_EQ(get("/openapi.json", {{"If-None-Match", tag}}).status, 304);
  EXPECT_EQ(get("/openapi.json", {{"If-None-Match", tag}}).body, "");
}

}  // namespace
}  // namespace jcn
