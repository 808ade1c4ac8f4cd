#include "routes.h"

#include <gtest/gtest.h>

#include "page_token.h"
#include "routes_fixture.h"

namespace jcn {
namespace {

using RoutesTest = RoutesFixture;

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
  const Response beside = get("/v1/videos?_id=a&_col=title");
  EXPECT_EQ(code(beside), "unknown_parameter");
  EXPECT_NE(member(beside, "hint").find("_id__exact"), std::string::npos) << beside.body;
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
  EXPECT_EQ(code(get("/v1/claims")), "no_such_route") << "reserved";
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

TEST_F(RoutesTest, RefusesParametersItDoesNotKnow) {
  for (const char* target :
       {"/", "/healthz", "/readyz", "/metrics", "/v1/status", "/openapi.json"}) {
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

TEST_F(RoutesTest, CompactAndReindexAreBegun) {
  const Response begun = ask("POST", "/v1/status/compact");
  EXPECT_EQ(begun.status, 202);
  EXPECT_EQ(begun.body, R"({"ok":true,"asked":1})");
  EXPECT_EQ(ask("POST", "/v1/status/reindex").body, R"({"ok":true,"asked":2})");
  EXPECT_EQ(service_->cared, (std::vector{UpkeepWork::compact, UpkeepWork::reindex}));
  service_->care_error = Error{Code::overloaded, "compacting"};
  EXPECT_EQ(code(ask("POST", "/v1/status/compact")), "overloaded");
  EXPECT_EQ(code(ask("POST", "/v1/status/compact?root=x")), "unknown_parameter");
}

// Nothing that may be wrong is said; what helps to know why is.
TEST_F(RoutesTest, AnIncompleteIndexAnswersNothingButAboutItself) {
  put("videos", "a", R"({"t":1})");
  service_->answers.reset();
  for (const char* target :
       {"/v1/videos/a", "/v1/videos/none", "/v1/videos", "/v1/videos?_id=a", "/v1/rejects",
        "/v1/conflicts", "/v1/changes", "/v1/none", "/v1/changes?feed=longpoll&timeout=0"}) {
    const Response response = get(target);
    EXPECT_EQ(response.status, 503) << target;
    EXPECT_EQ(code(response), "not_ready") << target;
  }
  EXPECT_EQ(ask("POST", "/v1/videos/_bulk_get", {}, R"({"ids":["a"]})").status, 503);
  for (const char* target : {"/", "/healthz", "/metrics", "/v1/status", "/openapi.json"}) {
    EXPECT_EQ(get(target).status, 200) << target;
  }
  EXPECT_NE(get("/metrics").body.find("\njcn_index_usable 0\n"), std::string::npos);
  service_->answers = 2;
  EXPECT_EQ(get("/v1/videos/a").status, 200);
}

// The index was found damaged, or was right again, in the middle of an answer.
TEST_F(RoutesTest, AnAnswerFromTwoIndexesIsNone) {
  put("videos", "a", R"({"t":1})");
  service_->on_snapshot = [this] { service_->answers = *service_->answers + 2; };
  EXPECT_EQ(code(get("/v1/videos/a")), "not_ready");
  EXPECT_EQ(code(get("/v1/changes")), "not_ready");
}

TEST_F(RoutesTest, FailuresAreToldToTheDaemon) {
  service_->snapshot_error = Error{Code::index_damaged, "a block"};
  EXPECT_EQ(code(get("/v1/videos")), "index_damaged");
  EXPECT_EQ(get("/v1/videos").status, 503);
  EXPECT_EQ(service_->failures, (std::vector{Code::index_damaged, Code::index_damaged}));
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
            "index_bytes upkeep ");
  EXPECT_EQ(member(response, "uuid"), '"' + uuid() + '"');
  EXPECT_EQ(member(response, "kinds"), R"({"videos":1})");
  EXPECT_EQ(member(response, "roots"),
            R"([{"name":"notes","path":"/srv/notes","state":"watching"}])");
  EXPECT_EQ(member(response, "crawl"), R"({"state":"done","done":7,"total":7})");
  EXPECT_EQ(member(response, "fragments_read"), "8");
  EXPECT_NE(get("/metrics").body.find("\njcn_records{kind=\"videos\"} 1\n"), std::string::npos);
  EXPECT_NE(get("/metrics").body.find("\njcn_fragments_read_total 8\n"), std::string::npos);
}

TEST_F(RoutesTest, HistoryMinuteByMinute) {
  StatusHistory::Row quiet, busy;
  quiet.since_ns = 0;
  quiet.fragments = 7;
  busy = {
      60'000'000'000, 9, 1, 4, 3, std::chrono::microseconds(300), std::chrono::milliseconds(12)};
  service_->shown_history = {quiet, busy};
  EXPECT_EQ(get("/v1/status/history").body,
            R"({"step_s":60,"rows":[)"
            R"({"since":"1970-01-01T00:00:00.000000000Z","fragments":7,"rejects":0,"read":0,)"
            R"("visible":{"count":0,"p50_ms":null,"p99_ms":null}},)"
            R"({"since":"1970-01-01T00:01:00.000000000Z","fragments":9,"rejects":1,"read":4,)"
            R"("visible":{"count":3,"p50_ms":0.300,"p99_ms":12.000}}]})");
  EXPECT_EQ(service_->asked_minutes, 60U);
  EXPECT_EQ(get("/v1/status/history?minutes=1440").status, 200);
  EXPECT_EQ(service_->asked_minutes, 1440U);
  for (const char* minutes : {"0", "1441", "-1", "x", ""})
    EXPECT_EQ(get(std::string("/v1/status/history?minutes=") + minutes).status, 400) << minutes;
}

TEST_F(RoutesTest, AnswersAreCountedByRouteAndStatus) {
  put("videos", "a", R"({"t":1})");
  const auto count = [&](const std::string& labels) -> std::string {
    const std::string body = get("/metrics").body,
                      line = "\njcn_http_answers_total{" + labels + "} ";
    const std::size_t at = body.find(line);
    if (at == std::string::npos) return "none";
    const std::size_t from = at + line.size();
    return body.substr(from, body.find('\n', from) - from);
  };
  const std::string one = R"(method="GET",route="/v1/{kind}/{id}",status=)";
  EXPECT_EQ(count(one + "\"200\""), "none");
  get("/v1/videos/a");
  ask("HEAD", "/v1/videos/a");
  get("/v1/videos/b");
  EXPECT_EQ(count(one + "\"200\""), "2");
  EXPECT_EQ(count(one + "\"404\""), "1");
  get("/nowhere");
  ask("PUT", "/healthz");
  EXPECT_EQ(count(R"(method="",route="",status="404")"), "1");
  EXPECT_EQ(count(R"(method="",route="",status="405")"), "1");
  service_->on_snapshot = [] { throw std::runtime_error("no"); };
  EXPECT_THROW(get("/v1/videos/a"), std::runtime_error);
  service_->on_snapshot = nullptr;
  EXPECT_EQ(count(one + "\"500\""), "1");
  EXPECT_NE(
      get("/metrics")
          .body.find(
              "\njcn_http_answer_seconds_count{method=\"GET\",route=\"/v1/{kind}/{id}\"} 4\n"),
      std::string::npos);
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
