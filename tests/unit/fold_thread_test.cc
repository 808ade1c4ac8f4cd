#include "fold_thread.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "temporary_folder.h"

namespace {

// Of write transactions that begin while it is set: the last of so many waits there.
struct Halt {
  std::atomic<int> left;
  std::latch reached{1}, go_on{1};
};
std::atomic<Halt*> halt = nullptr;

}  // namespace

// In the place of LMDB's own, which it calls; as lmdb.h declares it.
struct MDB_env;
struct MDB_txn;
constexpr unsigned read_only = 0x20000;  // MDB_RDONLY
extern "C" int mdb_txn_begin(MDB_env* env, MDB_txn* parent, unsigned flags, MDB_txn** txn) {
  static auto* const real =
      reinterpret_cast<decltype(&mdb_txn_begin)>(::dlsym(RTLD_NEXT, "mdb_txn_begin"));
  Halt* const here = halt;
  if (here && !(flags & read_only) && --here->left == 0) {
    here->reached.count_down();
    here->go_on.wait();
  }
  return real(env, parent, flags, txn);
}

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

// A merge may take minutes, and stopping waits for none.
TEST_F(FoldThreadTest, StopBreaksOffAMergeThatIsRunning) {
  constexpr int segments = 8;  // are one merge
  for (int number = 1; number < segments; ++number) {
    publish(std::to_string(number));
    ASSERT_TRUE(writer->fold());
  }
  FoldThread thread(*writer, {std::chrono::hours(1), std::chrono::hours(1), 1});
  Halt in_the_merge{2};  // after the fold's
  halt = &in_the_merge;
  publish("last");
  thread.poke();
  in_the_merge.reached.wait();

  publish("later");
  thread.poke();
  std::thread stopping([&] { EXPECT_TRUE(thread.stop()); });
  // While the merge keeps the thread, only stopping ends this.
  EXPECT_TRUE(thread.fold_now(steady_clock::now() + std::chrono::minutes(5)));
  halt = nullptr;
  in_the_merge.go_on.count_down();
  stopping.join();
  EXPECT_TRUE(writer->fresh().empty()) << "what was left was folded";
  const auto merged = writer->merge();
  ASSERT_TRUE(merged);
  EXPECT_TRUE(*merged) << "it is still to be done";
  const auto once_more = writer->merge();
  ASSERT_TRUE(once_more);
  EXPECT_FALSE(*once_more);
}

}  // namespace
}  // namespace jcn
