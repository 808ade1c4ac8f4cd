#include <gtest/gtest.h>

#include "routes_fixture.h"

namespace jcn {
namespace {

class RouteBulkGet : public RoutesFixture {
 protected:
  Response bulk(std::string body, std::string_view target = "/v1/videos/_bulk_get") {
    return ask("POST", target, {}, std::move(body));
  }
};

TEST_F(RouteBulkGet, AnswersEachIdInOrder) {
  put("videos", "b", R"({"n":1.10})");
  put("videos", "5", R"({"n":2})");
  put("talks", "a", R"({"n":3})");
  const Response response = bulk(R"({"ids":["b","a",5,"","5","b"]})");
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.header("Cache-Control"), "no-store");
  const std::string none =
      R"("error":{"code":"no_such_record","detail":"The kind has no record of this id."}})";
  const std::string b = R"({"id":"b","rev":")" + hash128(R"({"n":1.10})").hex() + R"(","seq":")" +
                        uuid() + R"(-1","record":{"n":1.10}})";
  const std::string five = R"({"id":"5","rev":")" + hash128(R"({"n":2})").hex() + R"(","seq":")" +
                           uuid() + R"(-2","record":{"n":2}})";
  EXPECT_EQ(response.body, R"({"ok":true,"results":[)" + b + R"(,{"id":"a",)" + none + "," + five +
                               R"(,{"id":"",)" + none + "," + five + "," + b + R"(],"seq":")" +
                               uuid() + R"(-3"})");
  EXPECT_EQ(response.header("Jcn-Seq"), uuid() + "-3");
  EXPECT_EQ(member(bulk(R"({"ids":[]})"), "results"), "[]");
  EXPECT_EQ(service_->snapshots, 2) << "one state each";
}

TEST_F(RouteBulkGet, ARecordWithoutItsAnchorIsNotThere) {
  Batch batch;
  Record orphan;
  orphan.key = {"videos", "a"};
  orphan.exists = false;
  orphan.fragments = {{{"notes", "a.views.json"}, 10, second, false}};
  batch.records[orphan.key] = orphan;
  publish(std::move(batch));
  EXPECT_EQ(*json_at(bulk(R"({"ids":["a"]})").body, "/results/0/error/code"), "\"no_such_record\"");
}

TEST_F(RouteBulkGet, StopsAt8MiB) {
  const std::string large = R"({"t":")" + std::string(900'000, 'x') + "\"}";
  std::string ids;
  for (int i = 0; i < 12; ++i) {
    put("videos", std::to_string(10 + i), large);
    ids += std::to_string(10 + i) + ",";
  }
  put("videos", "small", "{}");
  const Response response = bulk("{\"ids\":[" + ids + "\"small\",\"none\"]}");
  EXPECT_LT(response.body.size(), (8u << 20) + 4000);
  const auto results = elements(member(response, "results"));
  ASSERT_EQ(results.size(), 14u);
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(json_member(results[i], "record").has_value(), i < 9) << i;
    if (i >= 9) {
      EXPECT_EQ(*json_at(results[i], "/error/code"), "\"answer_full\"") << i;
    }
  }
  put("videos", "huge", R"({"t":")" + std::string(9 << 20, 'x') + "\"}");
  const Response huge = bulk(R"({"ids":["huge","small"]})");
  EXPECT_TRUE(json_at(huge.body, "/results/0/record")) << "the first one always";
  EXPECT_EQ(*json_at(huge.body, "/results/1/error/code"), "\"answer_full\"");
}

TEST_F(RouteBulkGet, SaysWhatIsWrongWithABody) {
  put("videos", "a", "{}");
  std::string many = "{\"ids\":[0";
  for (int i = 1; i <= 1000; ++i) many += "," + std::to_string(i);
  struct Wrong {
    std::string body;
    const char *code, *pointer;
  };
  const Wrong wrong[] = {{"", "bad_request", ""},
                         {"{\"ids\":[\"a\",]}", "bad_request", "/ids/1"},
                         {"{\"ids\":[\"\xff\"]}", "bad_request", ""},
                         {"[\"a\"]", "bad_value", ""},
                         {"null", "bad_value", ""},
                         {"{}", "bad_value", "/ids"},
                         {"{\"ids\":\"a\"}", "bad_value", "/ids"},
                         {"{\"ids\":[\"a\",null]}", "bad_value", "/ids/1"},
                         {"{\"ids\":[5.0]}", "bad_value", "/ids/0"},
                         {"{\"ids\":[1e3]}", "bad_value", "/ids/0"},
                         {"{\"ids\":[[\"a\"]]}", "bad_value", "/ids/0"},
                         {"{\"ids\":[],\"a/b\":1}", "unknown_parameter", "/a~1b"},
                         {many + "]}", "bad_value", "/ids"}};
  for (const Wrong& each : wrong) {
    const Response response = bulk(each.body);
    EXPECT_EQ(response.status, 400) << each.body;
    EXPECT_EQ(code(response), each.code) << each.body;
    EXPECT_EQ(json_unquote(json_at(response.body, "/errors/0/pointer").value_or("?")), each.pointer)
        << response.body;
  }
  EXPECT_EQ(bulk(many.substr(0, many.rfind(',')) + "]}").status, 200) << "1000";
  EXPECT_EQ(code(bulk("{\"ids\":[]}", "/v1/videos/_bulk_get?x=1")), "unknown_parameter");
  EXPECT_EQ(code(bulk("{\"ids\":[]}", "/v1/films/_bulk_get")), "no_such_kind");
  EXPECT_EQ(code(bulk("{\"ids\":[]}", "/v1/changes/_bulk_get")), "no_such_route");
}

TEST_F(RouteBulkGet, LeavesRecordsOfThatNameReadable) {
  put("videos", "_bulk_get", R"({"n":1})");
  EXPECT_EQ(get("/v1/videos/_bulk_get").body, R"({"n":1})");
  const Response wrong = ask("PUT", "/v1/videos/_bulk_get");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("Allow"), "GET, HEAD, POST");
  EXPECT_EQ(ask("POST", "/v1/videos/_bulk_get/x").status, 405);
}

}  // namespace
}  // namespace jcn
