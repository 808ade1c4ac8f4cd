#include "jcn/ingest.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "jcn/index_writer.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

class IngestTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = IndexWriter::open((folder / "index").string(), WriterOptions{});
    ASSERT_TRUE(opened) << opened.error().message;
    writer = *std::move(opened);
  }

  Look look(const std::string& path, const std::string& text, std::int64_t mtime = 1) {
    Look found;
    found.name = {"r", path};
    found.facts = {text.size(), mtime, mtime, 7};
    found.read_ns = 10'000'000'000;
    found.content = hash128(text);
    auto verdict = judge(rules, found.name, text);
    if (auto* good = std::get_if<GoodFragment>(&verdict)) {
      found.found = *good;
    } else {
      found.found = std::get<Reject>(verdict);
    }
    return found;
  }
  Look gone(const std::string& path) {
    Look found;
    found.name = {"r", path};
    return found;
  }
  // Plans and publishes; returns the number of record changes.
  std::size_t take(std::vector<Look> looks) {
    auto snapshot = writer->snapshot();
    auto batch = plan_batch(*snapshot, rules, std::move(looks), 99);
    EXPECT_TRUE(batch) << batch.error().message;
    const std::size_t changes = batch->records.size();
    if (!batch->empty()) {
      auto head = writer->publish(*std::move(batch));
      EXPECT_TRUE(head) << head.error().message;
    }
    return changes;
  }
  std::optional<Record> record(const std::string& id) {
    return *writer->snapshot()->record({"videos", id});
  }
  std::string document(const std::string& id) {
    const auto found = record(id);
    return found && found->exists ? found->document : "absent";
  }

  TemporaryFolder folder;
  Rules rules;
  std::unique_ptr<IndexWriter> writer;
};

TEST_F(IngestTest, AFragmentIsARecord) {
  EXPECT_EQ(take({look("a.json", R"({ "id": "x", "n": 1.10 })")}), 1U);
  EXPECT_EQ(document("x"), R"({"id":"x","n":1.10})");
}

TEST_F(IngestTest, FragmentsComposeInPathOrderWhateverTheirArrival) {
  take({look("b.json", R"({"id":"x","t":"b"})")});
  take({look("a.json", R"({"id":"x","t":"a","u":1})")});
  EXPECT_EQ(document("x"), R"({"id":"x","t":"b","u":1})");
  EXPECT_EQ(record("x")->fragments[0].name.path, "a.json");
}

TEST_F(IngestTest, AFragmentThatLeavesGivesBackWhatItHid) {
  take({look("a.json", R"({"id":"x","t":"a"})"), look("b.json", R"({"id":"x","t":"b"})"),
        look("c.json", R"({"id":"x","t":"c"})")});
  take({gone("c.json")});
  EXPECT_EQ(document("x"), R"({"id":"x","t":"b"})");
  take({gone("a.json")});
  EXPECT_EQ(document("x"), R"({"id":"x","t":"b"})");
  EXPECT_EQ(record("x")->fragments.size(), 1U);
  EXPECT_FALSE(*writer->snapshot()->body({"r", "b.json"}))
      << "an only fragment's body is its document";
  take({gone("b.json")});
  EXPECT_FALSE(record("x"));
}

TEST_F(IngestTest, AChangedIdMovesTheFragment) {
  take({look("a.json", R"({"id":"x"})"), look("b.json", R"({"id":"y","v":2})"),
        look("c.json", R"({"id":"y","w":3})")});
  EXPECT_EQ(take({look("c.json", R"({"id":"x","w":4})")}), 2U);
  EXPECT_EQ(document("x"), R"({"id":"x","w":4})");
  EXPECT_EQ(document("y"), R"({"id":"y","v":2})");
}

TEST_F(IngestTest, ARenameInOneStepKeepsTheRecord) {
  take({look("a.json", R"({"id":"x"})")});
  EXPECT_EQ(take({gone("a.json"), look("b.json", R"({"id":"x"})")}), 1U);
  EXPECT_EQ(record("x")->fragments[0].name.path, "b.json");
}

TEST_F(IngestTest, BadBytesKeepTheLastGoodContent) {
  take({look("a.json", R"({"id":"x","t":1})")});
  take({look("a.json", R"({"id":)")});
  EXPECT_EQ(document("x"), R"({"id":"x","t":1})");
  EXPECT_TRUE(record("x")->fragments[0].last_good);
  const auto row = *writer->snapshot()->file({"r", "a.json"});
  ASSERT_TRUE(row);
  EXPECT_TRUE(row->serving_last_good());
  EXPECT_EQ(row->since_ns, 99);
  EXPECT_EQ(writer->snapshot()->counts().rejects, 1U);
  take({look("a.json", R"({"id":"x","t":2})")});
  EXPECT_EQ(document("x"), R"({"id":"x","t":2})");
  EXPECT_FALSE(record("x")->fragments[0].last_good);
  EXPECT_EQ(writer->snapshot()->counts().rejects, 0U);
}

TEST_F(IngestTest, LastGoodContentEndsWithTheFile) {
  take({look("a.json", R"({"id":"x"})")});
  take({look("a.json", R"({)")});
  take({gone("a.json")});
  EXPECT_FALSE(record("x"));
}

TEST_F(IngestTest, LastGoodContentEndsWhenThePathIsNoRegularFile) {
  take({look("a.json", R"({"id":"x"})")});
  Look link = gone("a.json");
  link.found = Reject{Code::symlink, {}, {}, {}, {}, "a symbolic link"};
  take({link});
  EXPECT_FALSE(record("x"));
  EXPECT_EQ(writer->snapshot()->counts().rejects, 1U);
}

TEST_F(IngestTest, ChangedRulesJudgeAnew) {
  take({look("a.json", R"({"id":"x"})")});
  Look bad = look("a.json", R"({)");
  bad.judge_anew = true;
  take({bad});
  EXPECT_FALSE(record("x"));
}

TEST_F(IngestTest, ABadFragmentHurtsNobodyElse) {
  take({look("a.json", R"({"id":"x","t":1})"), look("b.json", R"({"id":"x","u":1})")});
  take({look("b.json", R"({"id")"), look("c.json", R"({"id":"x","v":1})")});
  EXPECT_EQ(document("x"), R"({"id":"x","t":1,"u":1,"v":1})");
}

TEST_F(IngestTest, NothingNewIsNoChange) {
  take({look("a.json", R"({"id":"x"})")});
  const std::uint64_t seq = writer->seq();
  EXPECT_EQ(take({look("a.json", R"({"id":"x"})")}), 0U);
  EXPECT_EQ(writer->seq(), seq);
}

TEST_F(IngestTest, ATouchedFileIsAChangeOfItsRecord) {
  take({look("a.json", R"({"id":"x"})", 1)});
  EXPECT_EQ(take({look("a.json", R"({"id":"x"})", 2)}), 1U);
  EXPECT_EQ(record("x")->updated_ns(), 2);
}

TEST_F(IngestTest, OrphansWaitForTheirAnchor) {
  Rule anchor;
  anchor.match = "*.main.json";
  anchor.anchor = true;
  rules.rules.insert(rules.rules.begin(), anchor);
  take({look("x.views.json", R"({"id":"x","views":5})")});
  EXPECT_EQ(document("x"), "absent");
  EXPECT_EQ(writer->snapshot()->counts().records.count("videos"), 0U);
  take({look("x.main.json", R"({"id":"x","t":1})")});
  EXPECT_EQ(document("x"), R"({"id":"x","t":1,"views":5})");
  take({gone("x.main.json")});
  EXPECT_EQ(document("x"), "absent");
  take({look("x.main.json", R"({"id":"x","t":2})")});
  EXPECT_EQ(document("x"), R"({"id":"x","t":2,"views":5})");
}

TEST_F(IngestTest, AnAnnouncementGivesNewNumbersToWhatIsThereAndTombstonesToWhatIsNot) {
  take({look("a.json", R"({"id":"x"})")});
  const std::uint64_t before = record("x")->seq;
  auto batch = plan_announcement(*writer->snapshot(), {{"videos", "x"}, {"videos", "y"}});
  ASSERT_TRUE(batch);
  ASSERT_TRUE(writer->publish(*std::move(batch)));
  EXPECT_GT(record("x")->seq, before);
  EXPECT_EQ(writer->seq(), before + 2);
}

// Nothing but the time of one file changes, and that is enough.
TEST_F(IngestTest, SinceFollowsTheFileThatGivesTheState) {
  take({look("x.json", R"({"id":"x","transcode":{"state":"queued"}})", 5)});
  EXPECT_EQ(record("x")->since_ns, 5);
  take({look("x.work.json", R"({"id":"x","transcode":{"state":"running"}})", 7)});
  EXPECT_EQ(record("x")->since_ns, 7);
  EXPECT_EQ(take({look("x.work.json", R"({"id":"x","transcode":{"state":"running"}})", 8)}), 1U);
  EXPECT_EQ(record("x")->since_ns, 8);
  take({gone("x.work.json")});
  EXPECT_EQ(record("x")->since_ns, 5);
  // Other rules track another place: the same files, judged anew.
  rules.tracked["videos"] = "/id";
  EXPECT_EQ(take({look("x.json", R"({"id":"x","transcode":{"state":"queued"}})", 5)}), 0U)
      << "the same time, by chance";
  rules.tracked["videos"] = "/nothing";
  EXPECT_EQ(take({look("x.json", R"({"id":"x","transcode":{"state":"queued"}})", 5)}), 1U);
  EXPECT_EQ(record("x")->since_ns, std::nullopt);
}

// What is said in a few bytes lies in the string itself, and goes with it when that is moved.
TEST_F(IngestTest, SinceIsKnownOfVeryShortFiles) {
  rules.rules[0].id = {{IdSource::Kind::stem, {}}};
  rules.tracked["videos"] = "/s";
  take({look("x.json", R"({"s":1})", 5), look("x.b.json", R"({"s":2})", 7)});
  EXPECT_EQ(record("x")->since_ns, 7);
}

}  // namespace
}  // namespace jcn
