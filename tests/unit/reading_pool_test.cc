#include "reading_pool.h"

#include <gtest/gtest.h>

#include <atomic>

#include "temporary_folder.h"

namespace jcn {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class ReadingPoolTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder / "root");
    roots = std::make_unique<Roots>(
        std::vector<RootConfig>{{"r", (folder / "root").string(), true, false}});
    roots->set_online("r", *roots->open("r"));
    pool = std::make_unique<ReadingPool>(
        *roots, [] { return std::make_shared<const Rules>(); },
        SettleDelays{milliseconds(1), milliseconds(1)}, 2,
        [this](Finding finding) {
          {
            std::lock_guard guard(lock);
            findings.push_back(finding.looks);
          }
          pool->release(finding.items);
        });
  }
  void TearDown() override { pool->stop(); }

  // Requests and waits until all that was asked for is found.
  void look(const std::string& path) { pool->request({"r", path}, ledger.issue()); }
  std::vector<std::vector<Look>> settled() {
    EXPECT_TRUE(ledger.wait_settled(ledger.close_epoch(), steady_clock::now() + seconds(30)));
    std::lock_guard guard(lock);
    return std::exchange(findings, {});
  }

  TemporaryFolder folder;
  std::unique_ptr<Roots> roots;
  Ledger ledger;
  std::mutex lock;
  std::vector<std::vector<Look>> findings;  // guarded by lock
  std::unique_ptr<ReadingPool> pool;
};

TEST_F(ReadingPoolTest, FindsGoodBadAndMissingFiles) {
  folder.write("root/good.json", R"({"id":"x"})");
  folder.write("root/bad.json", R"({"id":"x","id":"y"})");
  for (const char* path : {"good.json", "bad.json", "missing.json"}) look(path);
  std::map<std::string, std::size_t> found;
  for (const auto& looks : settled()) found[looks.at(0).name.path] = looks[0].found.index();
  EXPECT_EQ(found, (std::map<std::string, std::size_t>{
                       {"good.json", 1}, {"bad.json", 2}, {"missing.json", 0}}));
  EXPECT_EQ(pool->files_read() >= 2, true);
  EXPECT_EQ(pool->waiting(), 0U);
}

TEST_F(ReadingPoolTest, ATornFileIsReadAgainUntilItSettles) {
  folder.write("root/torn.json", R"({"id":)");
  look("torn.json");
  const auto all = settled();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(std::get<Reject>(all[0][0].found).code, Code::unexpected_end);
  // Changed less than both delays ago at its first reading, unless this machine was very slow.
  EXPECT_GE(pool->files_read(), 1U);
  EXPECT_LE(pool->files_read(), 3U);
}

TEST_F(ReadingPoolTest, TheEndsOfARenameAreOneFinding) {
  folder.write("root/new.json", "{}");
  pool->request_renames({{{"r", "old.json"}, {"r", "new.json"}}}, ledger.issue());
  const auto all = settled();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].size(), 2U);
}

TEST_F(ReadingPoolTest, NothingIsSaidOfAnOfflineRoot) {
  roots->set_offline("r", "gone");
  look("a.json");
  EXPECT_TRUE(settled().empty());
}

TEST_F(ReadingPoolTest, AMissingFileOfAMissingRootIsNotDeleted) {
  std::filesystem::rename(folder / "root", folder / "away");
  look("a.json");
  EXPECT_TRUE(settled().empty());
}

TEST_F(ReadingPoolTest, BackgroundLooksDoNotReportDeletions) {
  pool->request({"r", "missing.json"}, nullptr);
  while (pool->waiting() > 0) std::this_thread::yield();
  EXPECT_TRUE(settled().empty());
}

}  // namespace
}  // namespace jcn
