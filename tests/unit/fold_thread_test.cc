#include "fold_thread.h"

#include <gtest/gtest.h>

#include "temporary_folder.h"

namespace jcn {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class FoldThreadTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = IndexWriter::open((folder / "index").string(), WriterOptions{});
    ASSERT_TRUE(opened) << opened.error().message;
    writer = *std::move(opened);
  }
  void publish(const std::string& id) {
    Record record;
    record.key = {"videos", id};
    record.document = R"({"id":")" + id + R"("})";
    record.fragments = {{{"r", id + ".json"}, 1, 1, false}};
    Batch batch;
    batch.records[record.key] = record;
    ASSERT_TRUE(writer->publish(std::move(batch)));
  }
  TemporaryFolder folder;
  std::unique_ptr<IndexWriter> writer;
};

TEST_F(FoldThreadTest, FoldsOnDemandLongBeforeItsTime) {
  FoldThread thread(*writer, {std::chrono::hours(1), std::chrono::hours(1), 1 << 30});
  publish("a");
  thread.poke();
  EXPECT_FALSE(writer->fresh().empty());
  EXPECT_TRUE(thread.fold_now(steady_clock::now() + seconds(30)));
  EXPECT_TRUE(writer->fresh().empty());
  EXPECT_FALSE(thread.failing());
}

TEST_F(FoldThreadTest, NothingToFoldIsDoneAtOnce) {
  FoldThread thread(*writer, {std::chrono::hours(1), std::chrono::hours(1), 1 << 30});
  EXPECT_TRUE(thread.fold_now(steady_clock::now()));
}

TEST_F(FoldThreadTest, FoldsByItselfOnceItIsQuiet) {
  FoldThread thread(*writer, {milliseconds(5), std::chrono::hours(1), 1 << 30});
  publish("a");
  thread.poke();
  const auto until = steady_clock::now() + seconds(30);
  while (!writer->fresh().empty() && steady_clock::now() < until) std::this_thread::yield();
  EXPECT_TRUE(writer->fresh().empty());
}

TEST_F(FoldThreadTest, AFullLayerIsFoldedWithoutWaiting) {
  FoldThread thread(*writer, {std::chrono::hours(1), std::chrono::hours(1), 1});
  publish("a");
  thread.poke();
  const auto until = steady_clock::now() + seconds(30);
  while (!writer->fresh().empty() && steady_clock::now() < until) std::this_thread::yield();
  EXPECT_TRUE(writer->fresh().empty());
}

TEST_F(FoldThreadTest, StopFoldsWhatIsLeft) {
  FoldThread thread(*writer, {std::chrono::hours(1), std::chrono::hours(1), 1 << 30});
  publish("a");
  thread.poke();
  EXPECT_TRUE(thread.stop());
  EXPECT_TRUE(writer->fresh().empty());
  EXPECT_TRUE(thread.stop()) << "once more does no harm";
}

}  // namespace
}  // namespace jcn
