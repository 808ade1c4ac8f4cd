// The routes over a real index, with a daemon that is told what to answer.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/canonical.h"
#include "jcn/index_writer.h"
#include "routes.h"
#include "temporary_folder.h"

namespace jcn {

inline constexpr std::int64_t second = 1'000'000'000;

class FakeService : public Service {
 public:
  explicit FakeService(IndexWriter& writer, std::string hooks_folder = {})
      : webhooks_folder(std::move(hooks_folder)), writer_(writer) {}

  Result<Snapshot> snapshot() override {
    ++snapshots;
    if (snapshot_error) return *snapshot_error;
    if (on_snapshot) on_snapshot();
    return writer_.snapshot();
  }
  std::shared_ptr<const Rules> rules() override { return shown_rules; }
  std::chrono::milliseconds query_timeout() override { return shown_query_timeout; }
  Status status() override { return shown_status; }
  Result<std::vector<StatusHistory::Row>> history(std::size_t minutes) override {
    asked_minutes = minutes;
    return shown_history;
  }
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

  Result<std::uint64_t> take_care(UpkeepWork work) override {
    if (care_error) return *care_error;
    cared.push_back(work);
    return cared.size();
  }
  std::optional<std::uint64_t> answering() override { return answers; }
  void failed(const Error& error) override { failures.push_back(error.code); }
  FeedGate& feeds() override { return gate; }
  FragmentFiles& fragments() override { return *files; }
  Webhooks& webhooks() override { return hooks; }
  Result<SeenAt> wait_until_seen(const std::vector<Awaited>& awaited,
                                 std::chrono::milliseconds) override {
    waited_for.push_back(awaited);
    if (seen_error) return *seen_error;
    return SeenAt{writer_.seq(), std::vector<bool>(awaited.size(), seen)};
  }
  Result<SnapshotFile> snapshot_file() override {
    if (!on_snapshot_file) return Error{Code::not_ready, "The snapshot is being made."};
    return on_snapshot_file();
  }

  std::vector<StatusHistory::Row> shown_history;
  std::size_t asked_minutes = 0;
  const std::string webhooks_folder;
  FeedGate gate{2};
  // Never ready: nothing is sent.
  Webhooks hooks{{[this] { return writer_.snapshot(); }, [] { return false; }, [](const Error&) {},
                  webhooks_folder}};
  std::unique_ptr<FragmentFiles> files =
      std::make_unique<FragmentFiles>(FragmentFiles::Surroundings{
          .open_root = [](const std::string& root) -> Result<FragmentFiles::Folder> {
            return Error{Code::no_such_root, "no root " + root};
          }});
  std::vector<std::vector<Awaited>> waited_for;
  bool seen = true;
  std::optional<Error> seen_error;
  int snapshots = 0;
  std::optional<Error> snapshot_error;
  std::function<void()> on_snapshot;
  std::shared_ptr<Rules> shown_rules = std::make_shared<Rules>();
  std::chrono::milliseconds shown_query_timeout{2000};
  Status shown_status;
  Readiness shown_readiness;
  Result<SyncAnswer> sync_answer = SyncAnswer{};
  std::chrono::milliseconds asked_timeout{0};
  bool asked_durable = false;
  Explanation explanation;
  std::string accepted;
  std::optional<Error> care_error;
  std::vector<UpkeepWork> cared;
  std::optional<std::uint64_t> answers = 0;
  std::function<Result<SnapshotFile>()> on_snapshot_file;
  std::vector<Code> failures;

 private:
  IndexWriter& writer_;
};

class RoutesFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened =
        IndexWriter::open((folder_ / "index").string(), WriterOptions{.map_bytes = 64 << 20});
    ASSERT_TRUE(opened) << opened.error().message;
    writer_ = std::move(*opened);
    service_.emplace(*writer_, (folder_ / "webhooks").string());
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

inline std::string member(const Response& response, std::string_view name) {
  const auto value = json_member(response.body, name);
  return value ? std::string(*value) : "(absent)";
}
inline std::string code(const Response& response) {
  return json_unquote(member(response, "code"));
}
inline std::vector<std::string> elements(std::string_view array) {
  std::vector<std::string> out;
  for (JsonCursor cursor(array); cursor.next();) out.emplace_back(cursor.value());
  return out;
}

}  // namespace jcn
