// explain and check; the listing of rejects is in routes_test.
#include "jcn/schema.h"
#include "routes_fixture.h"

namespace jcn {
namespace {

// Knows one file, and tells what it was asked about.
class OneFile : public FakeService {
 public:
  OneFile(IndexWriter& writer, std::string path) : FakeService(writer), path_(std::move(path)) {}
  Result<Explanation> explain(const FragmentName& name) override {
    Explanation answer;
    answer.root = name.root;
    answer.path = name.path;
    answer.status = "ignored";
    if (name.path == path_) {
      answer.status = "indexed";
      answer.kind = "videos";
      answer.row.emplace();
    }
    return answer;
  }

 private:
  const std::string path_;
};

class RouteRejects : public RoutesFixture {
 protected:
  // The path that was found, as it is shown; empty: none was.
  std::string found(const std::string& path_of_file, const std::string& query) {
    OneFile service(*writer_, path_of_file);
    Request request;
    request.method = "GET";
    request.raw_path = "/v1/explain";
    request.raw_query = query;
    const Response response = handle(request, service);
    EXPECT_EQ(response.status, 200) << response.body;
    return member(response, "status") == "\"indexed\"" ? json_unquote(member(response, "path"))
                                                       : "";
  }
};

TEST_F(RouteRejects, ExplainTakesPathsAsTheyAreShown) {
  EXPECT_EQ(found("a\xff.json", "root=notes&path=a%5Cxff.json"), "a\\xff.json");
  EXPECT_EQ(found("a\xff.json", "path=/srv/notes/a%5CxFF.json"), "a\\xff.json");
  EXPECT_EQ(found("a\n.json", "root=notes&path=a%5Cx0a.json"), "a\n.json");
  EXPECT_EQ(found("a\\xff.json", "root=notes&path=a%5Cxff.json"), "a\\xff.json")
      << "a file that is called so";
  EXPECT_EQ(found("aA.json", "root=notes&path=a%5Cx41.json"), "") << "needs no escape";
  EXPECT_EQ(found("a\\xf", "root=notes&path=a%5Cxf"), "a\\xf");
}

TEST_F(RouteRejects, ExplainTakesPathsAsScriptsPutThemTogether) {
  for (const char* path : {"/srv/notes/a/b.json", "/srv//notes//a///b.json",
                           "/srv/notes/./a/b.json/", "//srv/notes/a/./b.json"}) {
    EXPECT_EQ(found("a/b.json", std::string("path=") + path), "a/b.json") << path;
  }
  for (const char* path : {"a/b.json", "a//b.json", "./a/b.json", "/a/b.json", "a/././b.json"}) {
    EXPECT_EQ(found("a/b.json", std::string("root=notes&path=") + path), "a/b.json") << path;
  }
  for (const char* query : {"root=notes&path=a/../b.json", "path=/srv/notes/../x.json",
                            "root=notes&path=", "root=notes&path=.", "root=notes&path=//"}) {
    EXPECT_EQ(code(get(std::string("/v1/explain?") + query)), "bad_parameter") << query;
  }
}

TEST_F(RouteRejects, ExplainOfNoFileOfARoot) {
  for (const char* path : {"/", "//", "/."}) {
    EXPECT_EQ(code(get(std::string("/v1/explain?path=") + path)), "no_such_root") << path;
  }
}

TEST_F(RouteRejects, ExplainShowsWhatIsKnown) {
  Explanation& explanation = service_->explanation;
  explanation.status = "rejected";
  explanation.why = "odd \xff";
  explanation.rule = 2;
  explanation.kind = "talks";
  explanation.row.emplace();
  explanation.row->reject = Reject{Code::no_id, {}, {}, {}, {}, "no id"};
  explanation.row->since_ns = second;
  const Response response = get("/v1/explain?root=notes&path=x.json");
  EXPECT_EQ(response.body,
            R"({"root":"notes","path":"x.json","status":"rejected","why":"odd \\xff","rule":2,)"
            R"("kind":"talks","id":null,"reject":{"code":"no_id","line":null,"column":null,)"
            R"("offset":null,"pointer":null,"message":"no id"},)"
            R"("since":"1970-01-01T00:00:01.000000000Z","serving":null})");
  explanation.key = RecordKey{"videos", "a"};
  explanation.row->contributes = explanation.key;
  EXPECT_EQ(member(get("/v1/explain?root=notes&path=x.json"), "kind"), "\"videos\"");
  EXPECT_EQ(member(get("/v1/explain?root=notes&path=x.json"), "serving"), "\"last-good\"");
}

TEST_F(RouteRejects, CheckEndsWithTheSchema) {
  service_->shown_rules->schemas["videos"] = {std::get<std::shared_ptr<const Schema>>(
      Schema::compile(R"({"properties":{"t":{"type":"string"}}})"))};
  const Response bad = ask("POST", "/v1/check", {}, "{\"id\":\"a\",\n \"t\": 5}");
  EXPECT_EQ(bad.body,
            R"({"ok":false,"status":"rejected","kind":"videos","id":null,"reject":)"
            R"({"code":"schema_violation","line":2,"column":7,"offset":17,"pointer":"/t",)"
            R"x("message":"must be a string, not a number (/properties/t/type of the schema)"}})x");
  EXPECT_EQ(member(ask("POST", "/v1/check?kind=videos", {}, R"({"id":"a","t":"x"})"), "ok"),
            "true");
}

TEST_F(RouteRejects, CheckNamesTheFileAsItWouldBeShown) {
  EXPECT_EQ(member(ask("POST", "/v1/check?path=a%5Cxff.json", {}, "{}"), "id"), "\"a%FF\"");
  EXPECT_EQ(member(ask("POST", "/v1/check?path=./b//c.json", {}, "{}"), "id"), "\"b/c\"");
  EXPECT_EQ(code(ask("POST", "/v1/check?path=../c.json", {}, "{}")), "bad_parameter");
  service_->shown_status.roots = {{"notes", "/srv/notes", "watching"}};
  EXPECT_EQ(ask("POST", "/v1/check?root=notes", {}, "{}").status, 200);
  EXPECT_EQ(code(ask("POST", "/v1/check?root=other", {}, "{}")), "no_such_root");
}

}  // namespace
}  // namespace jcn
