#include "jcn/dump.h"

#include <gtest/gtest.h>

#include "jcn/canonical.h"
#include "jcn/index_writer.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

class Dump : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = IndexWriter::open((folder_ / "index").string(), {});
    ASSERT_TRUE(opened) << opened.error().message;
    writer_ = std::move(opened).value();
  }

  // A record as ingest writes it: bodies stand apart unless one fragment is the document.
  void record(const std::string& id, const std::string& document,
              const std::vector<std::pair<FragmentName, std::string>>& fragments,
              const std::vector<std::string>& last_good = {}) {
    Record made;
    made.key = {"videos", id};
    made.exists = !document.empty();
    made.document = document;
    for (const auto& [name, body] : fragments) {
      FragmentInfo info{name, body.size(), 1};
      FileRow row;
      row.contributes = made.key;
      for (const std::string& path : last_good) {
        if (path != name.path) continue;
        info.last_good = true;
        row.reject = torn();
      }
      made.fragments.push_back(info);
      batch_.files[name] = row;
      if (!made.exists || fragments.size() > 1) batch_.bodies[name] = body;
    }
    batch_.records[made.key] = made;
  }

  static Reject torn() { return {Code::unexpected_end, 3, 7, 40, "/a/b", "it ends"}; }

  std::string dumped(bool served = false, const Rules& rules = {}) {
    EXPECT_TRUE(writer_->publish(std::move(batch_)));
    batch_ = {};
    const auto snapshot = writer_->snapshot();
    EXPECT_TRUE(snapshot);
    std::string out;
    const auto done = dump(*snapshot, rules, served, [&out](std::string_view line) {
      out += line;
      out += '\n';
    });
    EXPECT_TRUE(done) << done.error().message;
    return out;
  }

  static std::string rev(const std::string& document) { return hash128(document).hex(); }

  TemporaryFolder folder_;
  std::unique_ptr<IndexWriter> writer_;
  Batch batch_;
};

TEST_F(Dump, OfNothing) {
  EXPECT_EQ(dumped(), "");
}

TEST_F(Dump, RecordsByIdThenRejectsByPath) {
  record("b", R"({"n":1.0})", {{{"r", "b.json"}, R"({"n":1.0})"}});
  record("a", R"({"x":1,"y":2})",
         {{{"r", "a.json"}, R"({"x":1})"}, {{"r", "a.v\xFF\".json"}, R"({"y":2})"}});
  FileRow row;
  row.reject = torn();
  batch_.files[{"s", "a.json"}] = row;
  row.reject = Reject{Code::fifo, {}, {}, {}, {}, "a \"FIFO\""};
  batch_.files[{"r", "z.json"}] = row;
  EXPECT_EQ(
      dumped(),
      R"({"kind":"videos","id":"a","rev":")" + rev(R"({"x":1,"y":2})") +
          R"(","record":{"x":1,"y":2},"fragments":[{"root":"r","path":"a.json","status":"indexed"},)"
          R"({"root":"r","path":"a.v\\xff\".json","status":"indexed"}]})"
          "\n"
          R"({"kind":"videos","id":"b","rev":")" +
          rev(R"({"n":1.0})") +
          R"(","record":{"n":1.0},"fragments":[{"root":"r","path":"b.json","status":"indexed"}]})"
          "\n"
          R"({"root":"r","path":"z.json","status":"rejected","code":"fifo","line":null,"column":null,)"
          R"("offset":null,"pointer":null,"message":"a \"FIFO\""})"
          "\n"
          R"({"root":"s","path":"a.json","status":"rejected","code":"unexpected_end","line":3,)"
          R"("column":7,"offset":40,"pointer":"/a/b","message":"it ends"})"
          "\n");
}

TEST_F(Dump, LastGoodContentCountsOnlyAsServed) {
  record("a", R"({"x":1,"y":2})",
         {{{"r", "a.json"}, R"({"x":1,"y":1})"}, {{"r", "a.v.json"}, R"({"y":2})"}}, {"a.v.json"});
  record("b", R"({"x":1})", {{{"r", "b.json"}, R"({"x":1})"}}, {"b.json"});
  const std::string rejects =
      R"({"root":"r","path":"a.v.json","status":"rejected","code":"unexpected_end","line":3,"column":7,)"
      R"("offset":40,"pointer":"/a/b","message":"it ends"})"
      "\n"
      R"({"root":"r","path":"b.json","status":"rejected","code":"unexpected_end","line":3,"column":7,)"
      R"("offset":40,"pointer":"/a/b","message":"it ends"})"
      "\n";
  EXPECT_EQ(dumped(), R"({"kind":"videos","id":"a","rev":")" + rev(R"({"x":1,"y":1})") +
                          R"(","record":{"x":1,"y":1},"fragments":)"
                          R"([{"root":"r","path":"a.json","status":"indexed"}]})"
                          "\n" +
                          rejects);
  EXPECT_EQ(
      dumped(true),
      R"({"kind":"videos","id":"a","rev":")" + rev(R"({"x":1,"y":2})") +
          R"(","record":{"x":1,"y":2},"fragments":[{"root":"r","path":"a.json","status":"indexed"},)"
          R"({"root":"r","path":"a.v.json","status":"last-good"}]})"
          "\n"
          R"({"kind":"videos","id":"b","rev":")" +
          rev(R"({"x":1})") +
          R"(","record":{"x":1},"fragments":[{"root":"r","path":"b.json","status":"last-good"}]})"
          "\n" +
          rejects);
}

TEST_F(Dump, OrphansHaveNoRecord) {
  record("a", "", {{{"r", "a.v.json"}, R"({"y":2})"}});
  EXPECT_EQ(dumped(), R"({"kind":"videos","id":"a","rev":null,"record":null,"fragments":)"
                      R"([{"root":"r","path":"a.v.json","status":"orphan"}]})"
                      "\n");
}

TEST_F(Dump, WithoutItsLastGoodAnchorARecordIsAnOrphan) {
  Rules rules;
  rules.rules.resize(2);
  rules.rules[0].match = "*.main.json";
  rules.rules[0].anchor = true;
  record("a", R"({"x":1,"y":2})",
         {{{"r", "a.main.json"}, R"({"x":1})"}, {{"r", "a.v.json"}, R"({"y":2})"}},
         {"a.main.json"});
  const std::string text = dumped(false, rules);
  EXPECT_EQ(text.substr(0, text.find('\n')),
            R"({"kind":"videos","id":"a","rev":null,"record":null,"fragments":)"
            R"([{"root":"r","path":"a.v.json","status":"orphan"}]})");
}

}  // namespace
}  // namespace jcn
