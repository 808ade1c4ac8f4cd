// GET /v1/{kind}: what stands around the rows. Which rows a query finds is query_test's.
#include <gtest/gtest.h>

#include <set>

#include "page_token.h"
#include "routes_fixture.h"

namespace jcn {
namespace {

class RouteListing : public RoutesFixture {
 protected:
  std::vector<std::string> ids(std::string_view target) {
    const Response response = get(target);
    EXPECT_EQ(response.status, 200) << response.body;
    std::vector<std::string> all;
    for (const std::string& row : elements(member(response, "rows")))
      all.push_back(json_unquote(*json_member(row, "_id")));
    return all;
  }
  using Ids = std::vector<std::string>;
};

TEST_F(RouteListing, ListsInIdOrderWithIdFirst) {
  put("videos", "b", R"({"t":2})");
  put("videos", "a", R"({"_id":"shadowed","t":1})");
  put("videos", "ä", "{}");
  put("talks", "c", R"({"t":9})");
  const Response response = get("/v1/videos");
  EXPECT_EQ(response.body, R"({"ok":true,"rows":[{"_id":"a","t":1},{"_id":"b","t":2},{"_id":"ä"}],)"
                           R"("next":null,"next_url":null,"seq":")" +
                               uuid() + "-" + std::to_string(writer_->seq()) +
                               R"(","unknown_fields":[]})");
  EXPECT_EQ(service_->snapshots, 1) << "one state";
}

TEST_F(RouteListing, WalksPageByPage) {
  std::set<std::string> ids;
  for (int i = 0; i < 25; ++i) {
    const std::string id = "id/" + std::to_string(i) + "?&ä";
    put("videos", id, R"({"n":)" + std::to_string(i) + "}");
    ids.insert(id);
  }
  std::string url = "/v1/videos?_size=10&_col=n";
  std::vector<std::string> seen;
  std::vector<std::size_t> sizes;
  while (!url.empty()) {
    const Response response = get(url);
    ASSERT_EQ(response.status, 200) << response.body;
    const auto rows = elements(member(response, "rows"));
    sizes.push_back(rows.size());
    for (const std::string& row : rows) seen.push_back(json_unquote(*json_member(row, "_id")));
    url = member(response, "next_url");
    if (url == "null") {
      EXPECT_FALSE(response.header("Link"));
      break;
    }
    url = json_unquote(url);
    EXPECT_EQ(response.header("Link"), "<" + url + ">; rel=\"next\"");
    EXPECT_NE(url.find(json_unquote(member(response, "next"))), std::string::npos);
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{10, 10, 5}));
  EXPECT_EQ(seen, std::vector<std::string>(ids.begin(), ids.end()));
  EXPECT_EQ(elements(member(get("/v1/videos?_size=25"), "rows")).size(), 25u);
  EXPECT_EQ(member(get("/v1/videos?_size=25"), "next"), "null") << "nothing is left";
  EXPECT_EQ(member(get("/v1/videos?_size=0"), "rows"), "[]");
}

TEST_F(RouteListing, APageEndsAt8MiB) {
  const std::string large = R"({"t":")" + std::string(900'000, 'x') + "\"}";
  for (int i = 0; i < 12; ++i) put("videos", std::to_string(10 + i), large);
  const Response first = get("/v1/videos");
  EXPECT_LE(first.body.size(), (8u << 20) + 1000);
  EXPECT_EQ(elements(member(first, "rows")).size(), 9u);
  const Response next = get(json_unquote(member(first, "next_url")));
  EXPECT_EQ(elements(member(next, "rows")).size(), 3u);
}

TEST_F(RouteListing, ProjectsColumns) {
  put("videos", "a", R"({"title":"A","stats":{"views":5,"likes":2},"_created":"mine","x":1})");
  put("videos", "b", R"({"title":"B","only":[true]})");
  EXPECT_EQ(member(get("/v1/videos?_col=title"), "rows"),
            R"([{"_id":"a","title":"A"},{"_id":"b","title":"B"}])");
  const Response response =
      get("/v1/videos?_col=stats.views,only&_col=nowhere,stats.none,/x,/nix,_id");
  EXPECT_EQ(member(response, "rows"),
            R"([{"_id":"a","stats":{"views":5},"x":1},{"_id":"b","only":[true]}])");
  EXPECT_EQ(member(response, "unknown_fields"), R"(["nowhere","stats.none","/nix"])");
  EXPECT_EQ(member(get("/v1/videos?_col=only,nowhere&_size=1"), "unknown_fields"), R"(["nowhere"])")
      << "of the kind, not of the page";
  EXPECT_EQ(member(get("/v1/videos?_col=_updated,_created&_size=1"), "rows"),
            R"([{"_id":"a","_created":"1970-01-01T00:00:05.000000000Z",)"
            R"("_updated":"1970-01-01T00:00:05.000000000Z"}])");
  EXPECT_EQ(member(get("/v1/videos?_col=/_created&_size=1"), "rows"),
            R"([{"_id":"a","_created":"mine"}])");
  EXPECT_EQ(member(get("/v1/videos?_col="), "rows"), R"([{"_id":"a"},{"_id":"b"}])");
  EXPECT_EQ(member(get("/v1/videos?_col=/only/0,only.0"), "rows"),
            R"([{"_id":"a"},{"_id":"b","only":[true]}])");
}

TEST_F(RouteListing, FiltersSortsAndSearches) {
  put("videos", "a", R"({"title":"Rye loaf","views":30,"tags":["bread","rye"]})");
  put("videos", "b", R"({"title":"Sour rye","views":100,"tags":["bread"]})");
  put("videos", "c", R"({"title":"Borscht","views":"100"})");
  EXPECT_EQ(ids("/v1/videos?views__gt=30"), (Ids{"b"}));
  EXPECT_EQ(ids("/v1/videos?views=100"), (Ids{"b", "c"}));
  EXPECT_EQ(ids("/v1/videos?tags=bread&tags=rye"), (Ids{"a"}));
  EXPECT_EQ(ids("/v1/videos?_id__in=c,a"), (Ids{"a", "c"}));
  EXPECT_EQ(ids("/v1/videos?_sort_desc=views"), (Ids{"c", "b", "a"}));
  EXPECT_EQ(ids("/v1/videos?_sort=views&_size=2"), (Ids{"a", "b"}));
  EXPECT_EQ(ids("/v1/videos?_search=RYE+loaf"), (Ids{"a"}));
  EXPECT_EQ(ids("/v1/videos?_search=rye&_search_title=sour"), (Ids{"b"}));
  EXPECT_EQ(ids("/v1/videos?_search_tags=loaf"), (Ids{}));
  EXPECT_EQ(member(get("/v1/videos?nowhere=1&title=x&_sort=/none"), "unknown_fields"),
            R"(["nowhere","/none"])");
}

TEST_F(RouteListing, TheKindsWeightsOrderASearch) {
  put("videos", "a", R"({"title":"rye","note":"one two three"})");
  put("videos", "b", R"({"title":"one two three","note":"rye rye"})");
  EXPECT_EQ(ids("/v1/videos?_search=rye"), (Ids{"b", "a"}));
  const std::string tag(*get("/v1/videos?_search=rye").header("ETag"));
  service_->shown_rules->search_weights["videos"] = {{"/title", 10}};
  EXPECT_EQ(ids("/v1/videos?_search=rye"), (Ids{"a", "b"}));
  EXPECT_EQ(get("/v1/videos?_search=rye", {{"If-None-Match", tag}}).status, 200);
}

TEST_F(RouteListing, ASearchInAllFieldsPassesOverWhatTheKindExcludes) {
  put("videos", "a", R"({"title":"rye loaf","url":"rye"})");
  put("videos", "b", R"({"title":"oat","url":"rye loaf","parts":[{"url":"loaf"}]})");
  EXPECT_EQ(ids("/v1/videos?_search=rye"), (Ids{"a", "b"}));
  const std::string tag(*get("/v1/videos?_search=rye").header("ETag"));
  const std::string token(
      json_unquote(member(get("/v1/videos?_search=rye&_size=1"), "next")));
  service_->shown_rules->search_scopes["videos"] = {{}, {"/url", "/parts/url"}};
  EXPECT_EQ(ids("/v1/videos?_search=rye"), (Ids{"a"}));
  EXPECT_EQ(ids("/v1/videos?_search=loa*"), (Ids{"a"}));
  EXPECT_EQ(ids("/v1/videos?_search=%22rye+loaf%22"), (Ids{"a"}));
  EXPECT_EQ(ids("/v1/videos?_search_url=rye&_sort=_id"), (Ids{"a", "b"}));
  EXPECT_EQ(ids("/v1/videos?_search_url=%22rye+loaf%22"), (Ids{"b"}));
  EXPECT_EQ(ids("/v1/videos?_search_/parts/0/url=loaf"), (Ids{"b"}));
  EXPECT_EQ(get("/v1/videos?_search=rye", {{"If-None-Match", tag}}).status, 200);
  EXPECT_EQ(get("/v1/videos?_search=rye&_size=1&_next=" + token).status, 400);
  service_->shown_rules->search_scopes["videos"] = {{"/parts", "/title"}, {}};
  EXPECT_EQ(ids("/v1/videos?_search=loaf&_sort=_id"), (Ids{"a", "b"}));
  EXPECT_EQ(ids("/v1/videos?_search=rye"), (Ids{"a"}));
}

TEST_F(RouteListing, ExtrasAndFacetsStandBesideTheRows) {
  put("videos", "a", R"({"n":1,"tags":["x","y"]})");
  put("videos", "b", R"({"n":"1","tags":["x"]})");
  const Response response =
      get("/v1/videos?_extra=count,plan,fields&_facet=tags&_facet=/"
          "n&_facet=%22%0b&_facet_size=1&_size=0");
  EXPECT_EQ(member(response, "rows"), "[]");
  EXPECT_EQ(member(response, "next"), "null") << "no row, no place to go on from";
  EXPECT_EQ(member(response, "count"), "2");
  EXPECT_EQ(*json_at(response.body, "/facet_results/tags"),
            R"({"results":[{"value":"x","count":2}],"truncated":true})");
  EXPECT_EQ(*json_at(response.body, "/facet_results/~1n"),
            R"({"results":[{"value":1,"count":1}],"truncated":true})");
  EXPECT_EQ(*json_at(response.body, "/facet_results/\"\x0b"),
            R"({"results":[],"truncated":false})");
  EXPECT_EQ(json_type(member(response, "plan")), JsonType::array);
  const auto fields = elements(member(response, "fields"));
  ASSERT_EQ(fields.size(), 2u) << response.body;
  EXPECT_EQ(fields[0], R"({"name":"n","records":2,"types":{"number":1,"string":1}})");
  EXPECT_EQ(*json_member(fields[1], "name"), "\"tags\"");
  const Response plain = get("/v1/videos");
  for (const char* name : {"count", "plan", "fields", "facet_results"})
    EXPECT_EQ(member(plain, name), "(absent)") << name;
}

TEST_F(RouteListing, Shapes) {
  put("videos", "a", "{\"t\":\"x\\ny\"}");
  put("videos", "b", "{}");
  put("videos", "c", "{}");
  const Response lines = get("/v1/videos?_shape=array&_nl=on&_size=2");
  EXPECT_EQ(lines.content_type, "application/x-ndjson");
  EXPECT_EQ(lines.body, "{\"_id\":\"a\",\"t\":\"x\\ny\"}\n{\"_id\":\"b\"}\n");
  const std::string link(lines.header("Link").value_or(""));
  ASSERT_EQ(link.rfind("</v1/videos?_shape=array&_nl=on&_size=2&_next=", 0), 0u) << link;
  const Response rest = get(link.substr(1, link.find('>') - 1));
  EXPECT_EQ(rest.body, "{\"_id\":\"c\"}\n");
  EXPECT_FALSE(rest.header("Link"));
  const Response array = get("/v1/videos?_shape=array&_size=2");
  EXPECT_EQ(array.content_type, "application/json");
  EXPECT_EQ(array.body, R"([{"_id":"a","t":"x\ny"},{"_id":"b"}])");
  EXPECT_EQ(get("/v1/videos?_shape=array&t=none").body, "[]");
  EXPECT_EQ(get("/v1/videos?_shape=array&_nl=on&t=none").body, "");
}

TEST_F(RouteListing, TheTagStandsForStateAndQuestion) {
  put("videos", "a", R"({"t":1})");
  const std::string target = "/v1/videos?t=1&_extra=count";
  const Response first = get(target);
  const std::string tag(*first.header("ETag"));
  EXPECT_EQ(tag.rfind("W/\"", 0), 0u);
  EXPECT_EQ(first.header("Cache-Control"), "no-cache");
  for (const std::string& condition : {tag, tag.substr(2), "\"x\", " + tag, std::string("*")}) {
    const Response again = get(target, {{"If-None-Match", condition}});
    EXPECT_EQ(again.status, 304) << condition;
    EXPECT_EQ(again.body, "");
    EXPECT_EQ(again.header("ETag"), tag);
    EXPECT_EQ(again.header("Jcn-Seq"), first.header("Jcn-Seq"));
  }
  service_->shown_query_timeout = std::chrono::milliseconds(0);
  EXPECT_EQ(get(target, {{"If-None-Match", tag}}).status, 304) << "without asking the index";
  service_->shown_query_timeout = std::chrono::seconds(2);
  for (const char* other : {"/v1/videos?t=1", "/v1/videos?_extra=count&t=1", "/v1/videos?t=2",
                            "/v1/videos?t=1&_extra=count&_size=5"})
    EXPECT_EQ(get(other, {{"If-None-Match", tag}}).status, 200) << other;
  put("videos", "b", R"({"t":2})");
  EXPECT_EQ(get(target, {{"If-None-Match", tag}}).status, 200) << "another state";
  EXPECT_EQ(get("/v1/films?t=1", {{"If-None-Match", "*"}}).status, 404);
  EXPECT_EQ(get("/v1/videos?_sizes=1", {{"If-None-Match", "*"}}).status, 400);
}

TEST_F(RouteListing, NothingIsAnsweredInPartWhenTimeIsUp) {
  put("videos", "a", R"({"t":1})");
  service_->shown_query_timeout = std::chrono::milliseconds(0);
  for (const char* target :
       {"/v1/videos", "/v1/videos?t=1&_extra=count", "/v1/videos?_size=0&_extra=fields"}) {
    const Response response = get(target);
    EXPECT_EQ(response.status, 503) << target;
    EXPECT_EQ(code(response), "query_timeout") << target;
    EXPECT_EQ(response.header("Retry-After"), "1");
    EXPECT_FALSE(response.header("ETag"));
  }
}

TEST_F(RouteListing, ProblemsSayWhatIsWrong) {
  put("videos", "a", R"({"t":1})");
  const std::pair<const char*, const char*> wrong[] = {{"_colour=red", "unknown_parameter"},
                                                       {"t__like=x", "unknown_operator"},
                                                       {"/t~=x", "bad_field"},
                                                       {"t__in=[", "bad_value"},
                                                       {"_search=!", "bad_value"},
                                                       {"_size=1001", "bad_parameter"},
                                                       {"_next=abc", "bad_parameter"},
                                                       {"_sort=a&_sort_desc=b", "bad_parameter"}};
  for (const auto& [query, expected] : wrong) {
    const Response response = get(std::string("/v1/videos?") + query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_EQ(code(response), expected) << query;
    EXPECT_EQ(response.content_type, "application/problem+json");
  }
  EXPECT_NE(member(get("/v1/videos?_colour=red"), "hint").find("_facet_size"), std::string::npos);
  EXPECT_EQ(code(get("/v1/videos?_next=" + page_token("videos", {"", "a"}))), "bad_parameter");
  EXPECT_EQ(code(get("/v1/films?t=1")), "no_such_kind");
}

}  // namespace
}  // namespace jcn
