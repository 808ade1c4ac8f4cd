#include "routes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "jcn/canonical.h"
#include "jcn/index_writer.h"
#include "page_token.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

// A daemon that is told what to answer, over a real index.
class FakeService : public Service {
 public:
  explicit FakeService(IndexWriter& writer) : writer_(writer) {}

  Result<Snapshot> snapshot() override {
    ++snapshots;
    if (snapshot_error) return *snapshot_error;
    return writer_.snapshot();
  }
  std::shared_ptr<const Rules> rules() override { return shown_rules; }
  Status status() override { return shown_status; }
  Readiness readiness() override { return shown_readiness; }
  Result<SyncAnswer> sync(std::chrono::milliseconds timeout, bool durable) override {
    asked_timeout = timeout;
    asked_durable = durable;
    return sync_answer;
  }
  Result<FragmentName> locate(const std::string& path) override {
    if (path.rfind("/srv/notes/", 0) != 0) return Error{Code::no_such_root, "beneath no root"};
    return FragmentName{"notes", path.substr(11)};
  }
  Result<Explanation> explain(const FragmentName& name) override {
    if (name.root != "notes") return Error{Code::no_such_root, "no root " + name.root};
    explanation.root = name.root;
    explanation.path = name.path;
    return explanation;
  }
  Result<void> accept(const std::string& root) override {
    if (root != "notes") return Error{Code::no_such_root, "no root " + root};
    accepted = root;
    return {};
  }

  int snapshots = 0;
  std::optional<Error> snapshot_error;
  std::shared_ptr<Rules> shown_rules = std::make_shared<Rules>();
  Status shown_status;
  Readiness shown_readiness;
  Result<SyncAnswer> sync_answer = SyncAnswer{};
  std::chrono::milliseconds asked_timeout{0};
  bool asked_durable = false;
  Explanation explanation;
  std::string accepted;

 private:
  IndexWriter& writer_;
};

constexpr std::int64_t second = 1'000'000'000;

class RoutesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened =
        IndexWriter::open((folder_ / "index").string(), WriterOptions{.map_bytes = 64 << 20});
    ASSERT_TRUE(opened) << opened.error().message;
    writer_ = std::move(*opened);
    service_.emplace(*writer_);
  }

  void put(const std::string& kind, const std::string& id, const std::string& document,
           std::vector<FragmentInfo> fragments = {{{"notes", "a.json"}, 10, 5 * second, false}}) {
    Batch batch;
    Record record;
    record.key = {kind, id};
    record.document = document;
    record.fragments = std::move(fragments);
    batch.records[record.key] = std::move(record);
    publish(std::move(batch));
  }
  void publish(Batch batch) {
    const auto head = writer_->publish(std::move(batch));
    ASSERT_TRUE(head) << head.error().message;
  }
  Response ask(std::string_view method, std::string_view target, std::vector<Header> headers = {},
               std::string body = {}) {
    Request request;
    request.method = method;
    const std::size_t mark = target.find('?');
    request.raw_path = target.substr(0, mark);
    if (mark != std::string_view::npos) request.raw_query = target.substr(mark + 1);
    request.headers = std::move(headers);
    request.body = std::move(body);
    return handle(request, *service_);
  }
  Response get(std::string_view target, std::vector<Header> headers = {}) {
    return ask("GET", target, std::move(headers));
  }
  std::string uuid() { return writer_->snapshot()->uuid(); }

  TemporaryFolder folder_;
  std::unique_ptr<IndexWriter> writer_;
  std::optional<FakeService> service_;
};

std::string member(const Response& response, std::string_view name) {
  const auto value = json_member(response.body, name);
  return value ? std::string(*value) : "(absent)";
}
std::string code(const Response& response) {
  return json_unquote(member(response, "code"));
}
std::vector<std::string> elements(std::string_view array) {
  std::vector<std::string> out;
  for (JsonCursor cursor(array); cursor.next();) out.emplace_back(cursor.value());
  return out;
}

TEST_F(RoutesTest, AnswersTheRecordExactly) {
  const std::string document = R"({"id":"a","n":64176294690080990,"x":1.10,"z":null,"y":{}})";
  put("videos", "a", document,
      {{{"notes", "a.json"}, 10, 5 * second, false}, {{"notes", "b.json"}, 10, 7 * second, false}});
  const Response response = get("/v1/videos/a");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, document);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.header("ETag"), '"' + hash128(document).hex() + '"');
  EXPECT_EQ(response.header("Cache-Control"), "no-cache");
  EXPECT_EQ(response.header("Last-Modified"), "Thu, 01 Jan 1970 00:00:07 GMT");
  EXPECT_EQ(response.header("Jcn-Seq"), uuid() + "-" + std::to_string(writer_->seq()));
  EXPECT_EQ(ask("HEAD", "/v1/videos/a").body, document) << "its length; the server leaves it out";
  EXPECT_EQ(get("/v1/videos?_id=a").body, document);
}

TEST_F(RoutesTest, IdsAreDecodedOnceAndMayHaveSlashes) {
  put("videos", "2024/a b%41/ä", R"({"n":1})");
  EXPECT_EQ(get("/v1/videos/2024/a%20b%2541/%C3%A4").status, 200);
  EXPECT_EQ(get("/v1/videos/2024%2Fa%20b%2541%2f%c3%a4").status, 200);
  EXPECT_EQ(get("/v1/videos?_id=2024/a+b%2541/%C3%A4").status, 200);
  EXPECT_EQ(get("/v1/videos/2024/a+b%2541/%C3%A4").status, 404) << "'+' is itself in a path";
}

TEST_F(RoutesTest, ConditionalRequestsGet304) {
  put("videos", "a", R"({"n":1})");
  const std::string tag(*get("/v1/videos/a").header("ETag"));
  for (const std::string& condition : {tag, "W/" + tag, "\"x\", " + tag, std::string("*")}) {
    const Response response = get("/v1/videos/a", {{"if-none-match", condition}});
    EXPECT_EQ(response.status, 304) << condition;
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(response.header("ETag"), tag);
    EXPECT_TRUE(response.header("Jcn-Seq"));
  }
  EXPECT_EQ(get("/v1/videos/a", {{"If-None-Match", "\"other\""}}).status, 200);
  EXPECT_EQ(get("/v1/videos/none", {{"If-None-Match", "*"}}).status, 404);
  EXPECT_EQ(get("/v1/videos/a?_extra=fragments", {{"If-None-Match", "*"}}).status, 200)
      << "fragments change without the document";
}

TEST_F(RoutesTest, TellsKindsFromRecords) {
  put("talks", "a", R"({"n":1})");
  EXPECT_EQ(code(get("/v1/talks/b")), "no_such_record");
  EXPECT_EQ(code(get("/v1/videos/b")), "no_such_record") << "a rule names the kind";
  EXPECT_EQ(code(get("/v1/films/b")), "no_such_kind");
  EXPECT_EQ(code(get("/v1/films")), "no_such_kind");
  EXPECT_EQ(code(get("/v1/Films/b")), "no_such_kind");
  EXPECT_EQ(code(get("/v1/changes")), "no_such_route") << "reserved";
  EXPECT_EQ(code(get("/v1/talks/" + std::string(2000, 'x'))), "no_such_record");
  EXPECT_EQ(code(get("/v1/talks/")), "no_such_record");
  EXPECT_EQ(code(get("/v2/talks/a")), "no_such_route");
  EXPECT_EQ(get("/v1/videos").status, 200) << "an empty kind of a rule";
  for (const char* target : {"/v1/talks/b", "/v1/films", "/elsewhere"}) {
    EXPECT_EQ(get(target).status, 404);
    EXPECT_EQ(get(target).content_type, "application/problem+json");
  }
}

TEST_F(RoutesTest, ARecordWithoutItsAnchorIsNotThere) {
  Batch batch;
  Record orphan;
  orphan.key = {"videos", "a"};
  orphan.exists = false;
  orphan.fragments = {{{"notes", "a.views.json"}, 10, second, false}};
  batch.records[orphan.key] = orphan;
  publish(std::move(batch));
  put("videos", "b", R"({"n":1})");
  EXPECT_EQ(code(get("/v1/videos/a")), "no_such_record");
  EXPECT_EQ(code(get("/v1/videos/a", {{"If-None-Match", "*"}})), "no_such_record");
  EXPECT_EQ(member(get("/v1/videos"), "rows"), R"([{"_id":"b","n":1}])");
}

TEST_F(RoutesTest, OtherMethodsAre405) {
  put("videos", "a", R"({"n":1})");
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const Response response = ask(method, "/v1/videos/a");
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.header("Allow"), "GET, HEAD");
  }
  EXPECT_EQ(ask("GET", "/v1/sync").header("Allow"), "POST");
  EXPECT_EQ(ask("POST", "/v1/status").header("Allow"), "GET, HEAD");
}

TEST_F(RoutesTest, ShowsFragmentsAndProvenance) {
  const FragmentName base{"notes", "a.json"}, views{"notes", "odd\xff.views.json"};
  Batch batch;
  Record record;
  record.key = {"videos", "a"};
  record.document = R"({"title":"new","views":5})";
  record.fragments = {{base, 10, 5 * second + 1, false}, {views, 20, 7 * second, true}};
  batch.records[record.key] = record;
  batch.bodies[base] = R"({"title":"old","views":4})";
  batch.bodies[views] = R"({"title":"new","views":5})";
  publish(std::move(batch));

  const Response response = get("/v1/videos/a?_extra=fragments,provenance");
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(member(response, "record"), record.document);
  EXPECT_EQ(
      member(response, "fragments"),
      R"([{"root":"notes","path":"a.json","size":10,"mtime":"1970-01-01T00:00:05.000000001Z",)"
      R"("status":"indexed"},{"root":"notes","path":"odd\\xff.views.json","size":20,)"
      R"("mtime":"1970-01-01T00:00:07.000000000Z","status":"last-good"}])");
  EXPECT_EQ(json_at(response.body, "/provenance/~1title/path"), R"("odd\\xff.views.json")");
  EXPECT_EQ(json_at(response.body, "/provenance/~1title/shadowed"),
            R"([{"root":"notes","path":"a.json"}])");

  put("videos", "single", R"({"title":"one"})");
  EXPECT_EQ(get("/v1/videos/single?_extra=provenance").body,
            R"({"record":{"title":"one"},"provenance":{"/title":{"root":"notes","path":"a.json",)"
            R"("shadowed":[]}}})");
  EXPECT_EQ(code(get("/v1/videos/a?_extra=plan")), "bad_parameter");
  EXPECT_EQ(code(get("/v1/videos/a?_col=title")), "unknown_parameter");
}

TEST_F(RoutesTest, ListsInIdOrderWithIdFirst) {
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

TEST_F(RoutesTest, WalksPageByPage) {
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

TEST_F(RoutesTest, APageEndsAt8MiB) {
  const std::string large = R"({"t":")" + std::string(900'000, 'x') + "\"}";
  for (int i = 0; i < 12; ++i) put("videos", std::to_string(10 + i), large);
  const Response first = get("/v1/videos");
  EXPECT_LE(first.body.size(), (8u << 20) + 1000);
  EXPECT_EQ(elements(member(first, "rows")).size(), 9u);
  const Response next = get(json_unquote(member(first, "next_url")));
  EXPECT_EQ(elements(member(next, "rows")).size(), 3u);
}

TEST_F(RoutesTest, ProjectsColumns) {
  put("videos", "a", R"({"title":"A","stats":{"views":5,"likes":2},"_created":"mine","x":1})");
  put("videos", "b", R"({"title":"B","only":true})");
  EXPECT_EQ(member(get("/v1/videos?_col=title"), "rows"),
            R"([{"_id":"a","title":"A"},{"_id":"b","title":"B"}])");
  const Response response = get("/v1/videos?_col=stats.views,only,nowhere,stats.none,/x,/nix,_id");
  EXPECT_EQ(member(response, "rows"),
            R"([{"_id":"a","stats":{"views":5},"x":1},{"_id":"b","only":true}])");
  EXPECT_EQ(member(response, "unknown_fields"), R"(["nowhere","stats.none","/nix"])");
  // A page that is not the whole listing can't tell what no record has.
  const Response part = get("/v1/videos?_col=only,nowhere&_size=1");
  EXPECT_EQ(member(part, "unknown_fields"), "[]");
  const Response last = get(json_unquote(member(part, "next_url")));
  EXPECT_EQ(member(last, "next"), "null");
  EXPECT_EQ(member(last, "unknown_fields"), "[]");
  EXPECT_EQ(member(get("/v1/videos?_col=nowhere&_size=0"), "unknown_fields"), "[]");
  EXPECT_EQ(member(get("/v1/videos?_col=nowhere&_size=2"), "unknown_fields"), R"(["nowhere"])");
  EXPECT_EQ(member(get("/v1/videos?_col=_updated,_created&_size=1"), "rows"),
            R"([{"_id":"a","_created":"1970-01-01T00:00:05.000000000Z",)"
            R"("_updated":"1970-01-01T00:00:05.000000000Z"}])");
}

TEST_F(RoutesTest, RefusesParametersItDoesNotKnow) {
  put("videos", "a", R"({"t":1})");
  for (const char* query : {"title=x", "title__contains=x", "_sort=t", "_search=x", "_facet=t",
                            "_shape=array", "_extra=count"}) {
    const Response response = get(std::string("/v1/videos?") + query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_EQ(code(response), "unknown_parameter") << query;
    const std::string name(query, std::string_view(query).find('='));
    EXPECT_NE(member(response, "detail").find("'" + name + "'"), std::string::npos)
        << response.body;
    EXPECT_NE(member(response, "hint").find("not part of this version"), std::string::npos);
  }
  for (const char* query :
       {"_size=1001", "_size=-1", "_size=", "_size=ten", "_size=1&_size=2", "_next=abc", "_next="})
    EXPECT_EQ(code(get(std::string("/v1/videos?") + query)), "bad_parameter") << query;
  EXPECT_EQ(code(get("/v1/videos?_next=" + page_token("talks", {"", "a"}))), "bad_parameter");
  for (const char* target : {"/", "/healthz", "/readyz", "/metrics", "/v1/status"}) {
    EXPECT_EQ(get(target + std::string("?x=1")).status, 400) << target;
    EXPECT_EQ(code(get(target + std::string("?x=1"))), "unknown_parameter") << target;
  }
}

TEST_F(RoutesTest, ListsRejectsPageByPage) {
  Batch batch;
  for (const char* path : {"b.json", "a\n\xff.json", "c.json"}) {
    FileRow row;
    row.since_ns = second;
    row.reject = Reject{Code::syntax_error, 2, 3, 17, std::nullopt, "expected ','"};
    if (std::string_view(path) == "b.json") row.contributes = RecordKey{"videos", "b"};
    if (std::string_view(path) == "c.json")
      row.reject = Reject{Code::duplicate_member, {}, {}, {}, "/a/b", "twice"};
    batch.files[{"notes", path}] = row;
  }
  FileRow good;
  good.contributes = RecordKey{"videos", "g"};
  batch.files[{"notes", "g.json"}] = good;
  publish(std::move(batch));

  const Response first = get("/v1/rejects?_size=2");
  EXPECT_EQ(member(first, "ok"), "true");
  const auto rows = elements(member(first, "rows"));
  ASSERT_EQ(rows.size(), 2u) << first.body;
  EXPECT_EQ(
      rows[0],
      R"({"root":"notes","path":"a\n\\xff.json","code":"syntax_error","line":2,"column":3,)"
      R"("offset":17,"pointer":null,"message":"expected ','","since":"1970-01-01T00:00:01.000000000Z",)"
      R"("serving":null})");
  EXPECT_EQ(*json_member(rows[1], "serving"), "\"last-good\"");
  const Response rest = get("/v1/rejects?_next=" + json_unquote(member(first, "next")));
  ASSERT_EQ(elements(member(rest, "rows")).size(), 1u) << rest.body;
  EXPECT_EQ(*json_at(rest.body, "/rows/0/pointer"), "\"/a/b\"");
  EXPECT_EQ(*json_at(rest.body, "/rows/0/line"), "null");
  EXPECT_EQ(member(rest, "next"), "null");
  EXPECT_EQ(code(get("/v1/rejects?_next=" + page_token("videos", {"", "a"}))), "bad_parameter");
}

TEST_F(RoutesTest, ExplainsAFile) {
  service_->explanation.status = "rejected";
  service_->explanation.why = "It is no JSON.";
  service_->explanation.rule = 0;
  FileRow row;
  row.reject = Reject{Code::empty_file, {}, {}, {}, {}, "empty"};
  service_->explanation.row = row;
  const Response response = get("/v1/explain?path=/srv/notes/x%20y.json");
  EXPECT_EQ(member(response, "root"), "\"notes\"");
  EXPECT_EQ(member(response, "path"), "\"x y.json\"");
  EXPECT_EQ(member(response, "status"), "\"rejected\"");
  EXPECT_EQ(member(response, "rule"), "0");
  EXPECT_EQ(member(response, "kind"), "null");
  EXPECT_EQ(*json_at(response.body, "/reject/code"), "\"empty_file\"");
  EXPECT_EQ(get("/v1/explain?root=notes&path=x").status, 200);
  EXPECT_EQ(code(get("/v1/explain?root=other&path=x")), "no_such_root");
  EXPECT_EQ(code(get("/v1/explain?path=/etc/passwd")), "no_such_root");
  EXPECT_EQ(code(get("/v1/explain?path=relative")), "bad_parameter");
  EXPECT_EQ(code(get("/v1/explain")), "bad_parameter");
}

TEST_F(RoutesTest, ChecksABodyWithoutWriting) {
  const std::uint64_t before = writer_->seq();
  const Response good = ask("POST", "/v1/check", {}, R"({"id":"a/1","x":1})");
  EXPECT_EQ(good.body,
            R"({"ok":true,"status":"indexed","kind":"videos","id":"a/1","reject":null})");
  EXPECT_EQ(member(ask("POST", "/v1/check?path=2024/talk.json", {}, "{}"), "id"), "\"2024/talk\"");
  const Response bad = ask("POST", "/v1/check?kind=videos", {}, "{\"a\":1,\n\"a\":2}");
  EXPECT_EQ(bad.status, 200);
  EXPECT_EQ(member(bad, "ok"), "false");
  EXPECT_EQ(member(bad, "status"), "\"rejected\"");
  EXPECT_EQ(*json_at(bad.body, "/reject/code"), "\"duplicate_member\"");
  EXPECT_EQ(*json_at(bad.body, "/reject/line"), "2");
  EXPECT_EQ(*json_at(ask("POST", "/v1/check", {}, "").body, "/reject/code"), "\"empty_file\"");
  EXPECT_EQ(*json_at(ask("POST", "/v1/check", {}, "[]").body, "/reject/code"), "\"not_an_object\"");
  EXPECT_EQ(member(ask("POST", "/v1/check?path=.hidden.json", {}, "{}"), "status"), "\"ignored\"");
  EXPECT_EQ(member(ask("POST", "/v1/check?path=a.txt", {}, "{}"), "status"), "\"ignored\"");
  EXPECT_EQ(code(ask("POST", "/v1/check?kind=films", {}, "{}")), "no_such_kind");
  EXPECT_EQ(writer_->seq(), before);
}

TEST_F(RoutesTest, SyncPassesItsParametersOn) {
  service_->sync_answer = SyncAnswer{42, {{"notes", "x\xff.json"}}};
  const Response response = ask("POST", "/v1/sync?timeout_ms=1500&durable=1");
  EXPECT_EQ(response.body, R"({"seq":")" + uuid() +
                               R"(-42","unsettled":[{"root":"notes","path":"x\\xff.json"}]})");
  EXPECT_EQ(service_->asked_timeout.count(), 1500);
  EXPECT_TRUE(service_->asked_durable);
  service_->sync_answer = Error{Code::sync_timeout, "late"};
  const Response late = ask("POST", "/v1/sync");
  EXPECT_EQ(late.status, 503);
  EXPECT_EQ(code(late), "sync_timeout");
  EXPECT_FALSE(service_->asked_durable);
  EXPECT_EQ(code(ask("POST", "/v1/sync?timeout_ms=soon")), "bad_parameter");
  EXPECT_EQ(code(ask("POST", "/v1/sync?durable=maybe")), "bad_parameter");
}

TEST_F(RoutesTest, StatusHasItsMembersInOrder) {
  put("videos", "a", R"({"t":1})");
  Status& status = service_->shown_status;
  status.index = "/var/lib/jcn/index";
  status.roots = {{"notes", "/srv/notes", "watching"}};
  status.crawl_state = "done";
  status.crawl_done = status.crawl_total = 7;
  status.fragments_read = 8;
  status.fresh = 1;
  status.index_bytes = 4096;
  const Response response = get("/v1/status");
  std::string names;
  for (JsonCursor cursor(response.body); cursor.next();) names += json_unquote(cursor.name()) + ' ';
  EXPECT_EQ(names,
            "version uuid seq index kinds fragments rejects roots crawl recrawls fragments_read "
            "fresh queue "
            "index_bytes ");
  EXPECT_EQ(member(response, "uuid"), '"' + uuid() + '"');
  EXPECT_EQ(member(response, "kinds"), R"({"videos":1})");
  EXPECT_EQ(member(response, "roots"),
            R"([{"name":"notes","path":"/srv/notes","state":"watching"}])");
  EXPECT_EQ(member(response, "crawl"), R"({"state":"done","done":7,"total":7})");
  EXPECT_EQ(member(response, "fragments_read"), "8");
  EXPECT_NE(get("/metrics").body.find("\njcn_records{kind=\"videos\"} 1\n"), std::string::npos);
  EXPECT_NE(get("/metrics").body.find("\njcn_fragments_read_total 8\n"), std::string::npos);
}

TEST_F(RoutesTest, ReadinessIs503UntilReady) {
  service_->shown_readiness = {false, {{"crawling", "7 of 9"}}};
  const Response waiting = get("/readyz");
  EXPECT_EQ(waiting.status, 503);
  EXPECT_EQ(
      waiting.body,
      R"({"ready":false,"degraded":false,"reasons":[{"code":"crawling","detail":"7 of 9"}]})");
  service_->shown_readiness = {true, {}};
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_EQ(get("/readyz").body, R"({"ready":true,"degraded":false,"reasons":[]})");
  service_->shown_readiness = {true, {{"root_offline", "notes"}}};
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_EQ(member(get("/readyz"), "degraded"), "true");
  EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(RoutesTest, TheFrontPageLinksTheKinds) {
  put("videos", "a", R"({"t":1})");
  const Response response = get("/");
  EXPECT_EQ(*json_at(response.body, "/kinds/videos/records"), "1");
  EXPECT_EQ(get(json_unquote(*json_at(response.body, "/kinds/videos/url"))).status, 200);
  const std::string links = member(response, "links");
  for (JsonCursor link(links); link.next();) EXPECT_NE(get(json_unquote(link.value())).status, 404);
}

TEST_F(RoutesTest, AcceptNeedsAKnownRoot) {
  EXPECT_EQ(ask("POST", "/v1/status/accept?root=notes").status, 200);
  EXPECT_EQ(service_->accepted, "notes");
  EXPECT_EQ(code(ask("POST", "/v1/status/accept?root=other")), "no_such_root");
  EXPECT_EQ(code(ask("POST", "/v1/status/accept")), "bad_parameter");
}

TEST_F(RoutesTest, AFailingSnapshotIsAProblem) {
  service_->snapshot_error = Error{Code::readers_exhausted, "no slot"};
  for (const char* target : {"/v1/videos/a", "/v1/videos", "/v1/status", "/"}) {
    const Response response = get(target);
    EXPECT_EQ(response.status, 503) << target;
    EXPECT_EQ(code(response), "readers_exhausted");
  }
  EXPECT_EQ(get("/healthz").status, 200) << "alive all the same";
}

}  // namespace
}  // namespace jcn
