#include "page_token.h"
#include "routes_fixture.h"

namespace jcn {
namespace {

class RouteConflicts : public RoutesFixture {
 protected:
  // A record of two files that disagree on /t.
  void put_two(const std::string& kind, const std::string& id, const std::string& second_path) {
    const FragmentName a{"notes", id + ".json"}, b{"notes", second_path};
    Batch batch;
    Record record;
    record.key = {kind, id};
    record.document = R"({"t":2,"u":1})";
    record.fragments = {{a, 10, second, false}, {b, 10, second, false}};
    for (const FragmentName& name : {a, b}) batch.files[name].emplace().contributes = record.key;
    batch.bodies[a] = R"({"t":1,"u":1})";
    batch.bodies[b] = R"({"t":2})";
    batch.records[record.key] = std::move(record);
    publish(std::move(batch));
  }
};

TEST_F(RouteConflicts, SayWhoWon) {
  put_two("videos", "a", "a.z\xff.json");
  put("videos", "alone", R"({"t":1})");
  const Response response = get("/v1/conflicts");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"ok":true,"rows":[{"kind":"videos","id":"a","pointer":"/t",)"
                           R"("winner":{"root":"notes","path":"a.z\\xff.json","value":2},)"
                           R"("shadowed":[{"root":"notes","path":"a.json","value":1}]}],)"
                           R"("next":null,"next_url":null})");
  EXPECT_EQ(response.header("Cache-Control"), "no-store");
}

TEST_F(RouteConflicts, GoOnPageByPage) {
  for (const char* id : {"a", "b", "c", "d"}) put_two("videos", id, std::string(id) + ".x.json");
  put_two("talks", "e", "e.x.json");
  for (const char* kind : {"", "kind=videos&"}) {
    std::string url = std::string("/v1/conflicts?") + kind + "_size=2";
    std::vector<std::string> seen;
    for (int pages = 0; url != "null" && pages < 9; ++pages) {
      const Response response = get(url);
      ASSERT_EQ(response.status, 200) << url << response.body;
      for (const std::string& row : elements(member(response, "rows")))
        seen.push_back(json_unquote(*json_member(row, "id")));
      url = member(response, "next_url");
      if (url == "null") break;
      url = json_unquote(url);
      EXPECT_EQ(response.header("Link"), "<" + url + ">; rel=\"next\"");
    }
    std::vector<std::string> wanted = {"a", "b", "c", "d"};
    if (!*kind) wanted.push_back("e");
    EXPECT_EQ(seen, wanted);
  }
  EXPECT_EQ(member(get("/v1/conflicts?_size=0"), "rows"), "[]");
  EXPECT_EQ(member(get("/v1/conflicts?_size=0"), "next"), "null");
}

TEST_F(RouteConflicts, RefuseWhatIsNoneOfTheirs) {
  put_two("videos", "a", "a.x.json");
  put_two("videos", "b", "b.x.json");
  const std::string next = json_unquote(member(get("/v1/conflicts?_size=1"), "next"));
  EXPECT_EQ(get("/v1/conflicts?_next=" + next).status, 200);
  EXPECT_EQ(code(get("/v1/conflicts?kind=videos&_next=" + next)), "bad_parameter")
      << "another walk";
  EXPECT_EQ(code(get("/v1/conflicts?_next=" + page_token("/rejects", {"a", "b"}))),
            "bad_parameter");
  EXPECT_EQ(code(get("/v1/conflicts?_next=" + page_token("/conflicts/", {"a", "b"}))),
            "bad_parameter");
  EXPECT_EQ(code(get("/v1/conflicts?kind=none")), "no_such_kind");
  EXPECT_EQ(code(get("/v1/conflicts?kind=No")), "no_such_kind");
  EXPECT_EQ(code(get("/v1/conflicts?root=notes")), "unknown_parameter");
  EXPECT_EQ(ask("POST", "/v1/conflicts").header("Allow"), "GET, HEAD");
}

// What goes as deep as documents are nested gets a stack of its own where that may be deep.
TEST_F(RouteConflicts, OfVeryDeepDocumentsNeedNoDeepStackHere) {
  service_->shown_rules->limits.max_depth = 10'000;
  const auto nested = [](const char* inner) {
    std::string text;
    for (int i = 0; i < 9'999; ++i) text += R"({"a":)";
    return text + inner + std::string(9'999, '}');
  };
  const FragmentName a{"notes", "a.json"}, b{"notes", "b.json"};
  Batch batch;
  Record record;
  record.key = {"videos", "a"};
  record.document = nested("2");
  record.fragments = {{a, 10, second, false}, {b, 10, second, false}};
  for (const FragmentName& name : {a, b}) batch.files[name].emplace().contributes = record.key;
  batch.bodies[a] = nested("1");
  batch.bodies[b] = nested("2");
  batch.records[record.key] = std::move(record);
  publish(std::move(batch));
  // The pointer is longer than 1,000 bytes, so nothing is shown; that it ends is what counts.
  EXPECT_EQ(member(get("/v1/conflicts"), "rows"), "[]");
  EXPECT_EQ(get("/v1/videos/a?_extra=provenance").status, 200);
}

}  // namespace
}  // namespace jcn
