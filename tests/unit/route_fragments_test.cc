#include "route_fragments.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "access_token.h"
#include "entity_tag.h"
#include "jcn/read.h"
#include "routes_fixture.h"

namespace jcn {
namespace {

class RouteFragments : public RoutesFixture {
 protected:
  void SetUp() override {
    RoutesFixture::SetUp();
    std::filesystem::create_directory(folder_ / "notes");
    open(true);
  }
  void open(bool writable, unsigned places = 8) {
    const auto root = [this](const std::string& name) -> Result<FragmentFiles::Folder> {
      if (name != "notes") return Error{Code::no_such_root, "no root " + name};
      JCN_TRY(FileDescriptor opened, open_root((folder_ / "notes").string()));
      return std::make_shared<const FileDescriptor>(std::move(opened));
    };
    service_->files = std::make_unique<FragmentFiles>(
        FragmentFiles::Surroundings{writable, (folder_ / "writes").string(), root, places});
  }
  Response put(std::string_view target, std::string body, std::vector<Header> headers = {}) {
    return ask("PUT", target, std::move(headers), std::move(body));
  }
  Response with_token(std::string_view method, std::string_view target, bool exist,
                      std::shared_ptr<const AccessToken> token) {
    Request request;
    request.method = method;
    request.raw_path = target;
    request.tokens_exist = exist;
    request.token = std::move(token);
    if (method == "PUT") request.body = "{}";
    return handle(request, *service_);
  }
  static constexpr std::string_view a = "/v1/fragments/notes/a.json";
};

TEST_F(RouteFragments, WritesAndSaysWhatIsVisible) {
  const Response made = put(a, R"({"n":1})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.header("ETag"), entity_tag(hash128(R"({"n":1})")));
  EXPECT_EQ(made.header("Jcn-Seq"), uuid() + "-0");
  ASSERT_EQ(service_->waited_for.size(), 1u);
  ASSERT_EQ(service_->waited_for[0].size(), 1u);
  EXPECT_EQ(service_->waited_for[0][0].name, (FragmentName{"notes", "a.json"}));
  EXPECT_EQ(service_->waited_for[0][0].content, hash128(R"({"n":1})"));
  const std::string tag(*made.header("ETag"));
  EXPECT_EQ(get(a).body, R"({"n":1})");
  EXPECT_EQ(get(a, {{"If-None-Match", tag}}).status, 304);
  EXPECT_EQ(ask("DELETE", a, {{"If-Match", "\"0\""}, {"If-Match", tag}}).status, 200)
      << "a list may come in several lines";
  EXPECT_FALSE(service_->waited_for[1][0].content);
  EXPECT_EQ(code(get(a)), "no_such_fragment");
}

TEST_F(RouteFragments, SaysWhenItIsNotVisibleYet) {
  service_->seen = false;
  const Response unseen = put(a, "{}");
  EXPECT_EQ(unseen.status, 202);
  EXPECT_EQ(member(unseen, "seq"), "null");
  EXPECT_FALSE(unseen.header("Jcn-Seq"));
  EXPECT_TRUE(unseen.header("ETag"));
  service_->seen_error = Error{Code::sync_timeout, "late"};
  EXPECT_EQ(put(a, "{}", {{"If-Match", "*"}}).status, 202);
  EXPECT_EQ(get(a).status, 200);
}

TEST_F(RouteFragments, WaitsForTheLastChangeOfEachFile) {
  const Response response = ask("POST", "/v1/fragments/_bulk", {}, R"({"operations":[
    {"method":"put","root":"notes","path":"a.json","document":{"n":1}},
    {"method":"put","root":"notes","path":"a.json","document":{"n":2},"if_match":"*"},
    {"method":"put","root":"notes","path":"a.json","document":{"n":3}},
    {"method":"delete","root":"notes","path":"b.json","if_match":"*"}]})");
  EXPECT_EQ(response.status, 200);
  std::vector<std::string> statuses;
  for (const std::string& each : elements(*json_member(response.body, "results")))
    statuses.emplace_back(*json_member(each, "status"));
  EXPECT_EQ(statuses, (std::vector<std::string>{"201", "200", "428", "404"}));
  ASSERT_EQ(service_->waited_for.size(), 1u);
  ASSERT_EQ(service_->waited_for[0].size(), 1u);
  EXPECT_EQ(service_->waited_for[0][0].content, hash128(R"({"n":2})"));
}

TEST_F(RouteFragments, VerdictsHaveTheirPlace) {
  const Response response = put(a, "{\"a\":\n x}");
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(code(response), "syntax_error");
  EXPECT_EQ(member(response, "line"), "2");
  EXPECT_EQ(member(response, "column"), "2");
  EXPECT_EQ(member(response, "offset"), "7");
  EXPECT_EQ(member(response, "pointer"), "\"/a\"");
  EXPECT_TRUE(service_->waited_for.empty());
}

TEST_F(RouteFragments, TokensAreNeededOnceThereAreSome) {
  const auto all = std::make_shared<const AccessToken>(AccessToken{"x", {}, true});
  const auto reader = std::make_shared<const AccessToken>(AccessToken{"x", {}, false});
  const auto elsewhere = std::make_shared<const AccessToken>(AccessToken{"x", {"films"}, true});
  EXPECT_EQ(with_token("GET", a, true, nullptr).status, 404) << "may be read without one";
  EXPECT_EQ(with_token("GET", a, true, reader).status, 404);
  EXPECT_EQ(code(with_token("GET", a, true, elsewhere)), "forbidden");
  const Response none = with_token("PUT", a, true, nullptr);
  EXPECT_EQ(none.status, 401);
  EXPECT_TRUE(none.header("WWW-Authenticate"));
  EXPECT_EQ(code(with_token("PUT", a, true, reader)), "forbidden");
  EXPECT_EQ(code(with_token("PUT", a, true, elsewhere)), "forbidden");
  EXPECT_EQ(code(with_token("DELETE", a, true, elsewhere)), "forbidden");
  EXPECT_EQ(with_token("PUT", a, true, all).status, 201);
  EXPECT_EQ(with_token("PUT", "/v1/fragments/notes/b.json", false, nullptr).status, 201);
  EXPECT_EQ(code(with_token("POST", "/v1/fragments/_bulk", true, nullptr)), "unauthorized");
  for (const char* target : {"/v1/status/compact", "/v1/status/reindex"}) {
    EXPECT_EQ(code(with_token("POST", target, true, reader)), "forbidden") << target;
    EXPECT_EQ(code(with_token("POST", target, true, elsewhere)), "forbidden") << target;
    EXPECT_EQ(with_token("POST", target, true, all).status, 202) << target;
  }
}

TEST_F(RouteFragments, NothingIsWrittenWhereWritingIsOff) {
  open(false);
  EXPECT_EQ(code(put(a, "{}")), "writing_off");
  EXPECT_EQ(code(ask("DELETE", a)), "writing_off");
  EXPECT_EQ(code(ask("POST", "/v1/fragments/_bulk", {}, "{")), "writing_off");
  EXPECT_EQ(code(get(a)), "no_such_fragment");
}

TEST_F(RouteFragments, ManyWritersAreToldToComeBack) {
  open(true, 1);
  const auto place = service_->files->enter();
  EXPECT_EQ(code(put(a, "{}")), "overloaded");
  EXPECT_EQ(put(a, "{}").header("Retry-After"), "1");
  EXPECT_EQ(get(a).status, 404);
}

TEST_F(RouteFragments, LastGoodContentComesFromTheIndexThatIsWhole) {
  FileRow row;
  row.facts = {3, second, second, 7};
  row.reject = Reject{Code::syntax_error, 1, 1, 0, "", "no JSON"};
  row.contributes = RecordKey{"videos", "a"};
  Batch batch;
  Record record;
  record.key = *row.contributes;
  record.document = R"({"id":"a"})";
  record.fragments = {{{"notes", "a.json"}, 3, second, true}};
  batch.records[record.key] = record;
  batch.files[{"notes", "a.json"}] = row;
  publish(std::move(batch));
  const std::string target = std::string(a) + "?version=last-good";
  EXPECT_EQ(get(target).body, R"({"id":"a"})");
  EXPECT_EQ(code(get("/v1/fragments/notes/b.json?version=last-good")), "no_such_fragment");
  service_->answers.reset();
  EXPECT_EQ(code(get(target)), "not_ready");
  EXPECT_EQ(code(get(a)), "no_such_fragment") << "of the file, there is no need of an index";
}

}  // namespace
}  // namespace jcn
