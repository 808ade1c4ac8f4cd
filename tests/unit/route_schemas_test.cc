#include "jcn/schema.h"
#include "routes_fixture.h"

namespace jcn {
namespace {

class RouteSchemas : public RoutesFixture {
 protected:
  void set_schema(const std::string& text) {
    service_->shown_rules->schemas["videos"] = {
        std::get<std::shared_ptr<const Schema>>(Schema::compile(text))};
  }
  Response dry_run(const std::string& body, const std::string& more = "") {
    return ask("POST", "/v1/schemas/videos?dry_run=1" + more, {}, body);
  }
};

TEST_F(RouteSchemas, ShowTheSchemaThatIsServed) {
  set_schema("{ \"type\" : \"object\" }");
  const Response response = get("/v1/schemas/videos");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/schema+json");
  EXPECT_EQ(response.body, R"({"type":"object"})");
  const std::string tag(*response.header("ETag"));
  EXPECT_EQ(get("/v1/schemas/videos", {{"If-None-Match", tag}}).status, 304);
  EXPECT_EQ(get("/v1/schemas/videos", {{"If-None-Match", tag}}).body, "");
  set_schema("true");
  EXPECT_EQ(get("/v1/schemas/videos", {{"If-None-Match", tag}}).body, "true");
}

TEST_F(RouteSchemas, TellWhatThereIsNot) {
  put("talks", "a", R"({"t":1})");
  EXPECT_EQ(code(get("/v1/schemas/videos")), "no_schema");
  EXPECT_EQ(code(get("/v1/schemas/talks")), "no_schema") << "a kind by its records alone";
  EXPECT_EQ(code(get("/v1/schemas/none")), "no_such_kind");
  EXPECT_EQ(code(get("/v1/schemas/Videos")), "no_such_kind");
  EXPECT_EQ(code(get("/v1/schemas/")), "no_such_kind");
  EXPECT_EQ(code(get("/v1/schemas")), "no_such_route");
  EXPECT_EQ(code(get("/v1/schemas/videos/x")), "no_such_route");
  EXPECT_EQ(code(get("/v1/schemas/videos?_size=1")), "unknown_parameter");
  EXPECT_EQ(ask("PUT", "/v1/schemas/videos").header("Allow"), "GET, HEAD, POST");
  EXPECT_EQ(code(ask("POST", "/v1/schemas/none?dry_run=1", {}, "true")), "no_such_kind");
}

TEST_F(RouteSchemas, DryRunSaysWhichFilesWouldFail) {
  put("videos", "a", R"({"t":1})");
  put("videos", "b", R"({"t":"x"})", {{{"notes", "b\xff.json"}, 10, second, false}});
  const std::uint64_t before = writer_->seq();
  const Response response = dry_run(R"({"properties":{"t":{"type":"number"}}})");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body,
            R"({"ok":true,"checked":2,"failures":[{"root":"notes","path":"b\\xff.json","id":"b",)"
            R"("pointer":"/t","message":"must be a number, not a string )"
            R"x((/properties/t/type of the schema)"}],"truncated":false,"next":null})x");
  EXPECT_EQ(writer_->seq(), before);
  EXPECT_EQ(member(dry_run("true"), "failures"), "[]");
  EXPECT_EQ(member(dry_run("false"), "checked"), "2");
  EXPECT_EQ(code(get("/v1/schemas/videos")), "no_schema") << "nothing was set";
}

TEST_F(RouteSchemas, DryRunGoesOnWithTheSameSchema) {
  for (const char* id : {"a", "b", "c", "d", "e"}) put("videos", id, R"({"t":1})");
  const Response first = dry_run("false", "&_size=2");
  EXPECT_EQ(member(first, "truncated"), "true");
  EXPECT_EQ(elements(member(first, "failures")).size(), 2U);
  const std::string next = json_unquote(member(first, "next"));
  const Response second_page = dry_run("false", "&_size=2&_next=" + next);
  EXPECT_EQ(json_at(second_page.body, "/failures/0/id"), "\"c\"");
  EXPECT_EQ(code(dry_run("true", "&_next=" + next)), "bad_parameter");
  EXPECT_EQ(code(ask("POST", "/v1/schemas/talks?dry_run=1&_next=" + next, {}, "false")),
            "bad_parameter");
  EXPECT_EQ(code(dry_run("false", "&_size=0")), "bad_parameter");
}

TEST_F(RouteSchemas, DryRunEndsInTimeAndSaysSo) {
  for (const char* id : {"a", "b", "c"}) put("videos", id, R"({"t":1})");
  service_->shown_query_timeout = std::chrono::milliseconds(0);
  std::string more;
  std::uint64_t pages = 0;
  for (; pages < 9; ++pages) {
    const Response page = dry_run("true", more);
    EXPECT_EQ(member(page, "checked"), "1");
    if (member(page, "truncated") == "false") break;
    more = "&_next=" + json_unquote(member(page, "next"));
  }
  EXPECT_EQ(pages, 2U);
}

TEST_F(RouteSchemas, SchemasThatCannotBeUsedAreToldWithTheirPlace) {
  const Response response = dry_run("{\"properties\":\n {\"t\": {\"type\": \"text\"}}}");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(code(response), "bad_schema");
  EXPECT_EQ(json_at(response.body, "/errors/0/pointer"), "\"/properties/t/type\"");
  EXPECT_NE(member(response, "detail").find("line 2, column 17"), std::string::npos)
      << response.body;
  EXPECT_EQ(code(dry_run("")), "bad_schema");
  EXPECT_EQ(code(dry_run("{\"type\":")), "bad_schema");
  EXPECT_EQ(code(dry_run(R"({"$ref":"http://x/y"})")), "bad_schema");
}

TEST_F(RouteSchemas, NothingButATrialIsTaken) {
  for (const char* target : {"/v1/schemas/videos", "/v1/schemas/videos?dry_run=0"}) {
    const Response response = ask("POST", target, {}, "true");
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(code(response), "bad_parameter");
    EXPECT_NE(member(response, "hint").find("configuration"), std::string::npos);
  }
}

}  // namespace
}  // namespace jcn
