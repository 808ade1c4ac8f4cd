// The walker with a real inotify instance and reading pool, on a real folder; what it finds is
// collected instead of being indexed. Waiting is on conditions, bounded by a generous deadline.
#include "walker.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "jcn/index_writer.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class WalkerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder / "root");
    auto opened = IndexWriter::open((folder / "index").string(), WriterOptions{});
    ASSERT_TRUE(opened) << opened.error().message;
    writer = *std::move(opened);
    Result<Inotify> events = Inotify::open();
    ASSERT_TRUE(events);
    inotify.emplace(*std::move(events));
    roots = std::make_unique<Roots>(
        std::vector<RootConfig>{{"r", (folder / "root").string(), true, false}});
    const auto rules = [] { return std::make_shared<const Rules>(); };
    pool = std::make_unique<ReadingPool>(*roots, rules, SettleDelays{}, 2, [this](Finding finding) {
      {
        std::lock_guard guard(lock);
        for (const Look& look : finding.looks) {
          found[look.name.path] = std::holds_alternative<Gone>(look.found) ? "gone" : "there";
        }
      }
      pool->release(finding.items);
    });
    walker = std::make_unique<Walker>(Walker::Surroundings{*roots,
                                                           *pool,
                                                           ledger,
                                                           &*inotify,
                                                           [this] { return writer->snapshot(); },
                                                           rules,
                                                           [](std::string, std::string) {},
                                                           seconds(60),
                                                           {},
                                                           audit_interval});
  }
  void TearDown() override {
    walker->stop();
    pool->stop();
  }

  void crawl() {
    walker->crawl("", ledger.issue(), false);
    settle();
  }
  // Reads what is queued and waits until all that it causes is found.
  void settle() {
    for (pollfd waiting{inotify->fd(), POLLIN, 0}; ::poll(&waiting, 1, 0) == 1;) {
      Result<std::vector<WatchEvent>> events = inotify->read();
      ASSERT_TRUE(events);
      walker->events(*std::move(events), ledger.issue());
    }
    ASSERT_TRUE(ledger.wait_settled(ledger.close_epoch(), steady_clock::now() + seconds(30)));
  }
  std::map<std::string, std::string> take() {
    std::lock_guard guard(lock);
    return std::exchange(found, {});
  }
  using Found = std::map<std::string, std::string>;

  milliseconds audit_interval{0};
  TemporaryFolder folder;
  std::unique_ptr<IndexWriter> writer;
  std::optional<Inotify> inotify;
  Ledger ledger;
  std::unique_ptr<Roots> roots;
  std::mutex lock;
  Found found;  // guarded by lock
  std::unique_ptr<ReadingPool> pool;
  std::unique_ptr<Walker> walker;
};

TEST_F(WalkerTest, ACrawlLooksAtEveryEligibleFile) {
  folder.write("root/a.json", "{}");
  folder.write("root/d/e/b.json", "{}");
  folder.write("root/.hidden/c.json", "{}");
  folder.write("root/d/notes.txt", "{}");
  crawl();
  EXPECT_EQ(take(), (Found{{"a.json", "there"}, {"d/e/b.json", "there"}}));
}

TEST_F(WalkerTest, DropsAndDeletionsAreLookedAt) {
  crawl();
  folder.write("root/a.json", "{}");
  settle();
  EXPECT_EQ(take(), (Found{{"a.json", "there"}}));
  std::filesystem::remove(folder / "root/a.json");
  settle();
  EXPECT_EQ(take(), (Found{{"a.json", "gone"}}));
}

TEST_F(WalkerTest, NewFoldersFilledAtOnceAreNotMissed) {
  crawl();
  folder.write("root/x/y/z/a.json", "{}");
  settle();
  EXPECT_EQ(take()["x/y/z/a.json"], "there");
  folder.write("root/x/y/z/b.json", "{}");
  settle();
  EXPECT_EQ(take(), (Found{{"x/y/z/b.json", "there"}})) << "it is watched as well";
}

TEST_F(WalkerTest, BothEndsOfARenameAreFoundTogether) {
  folder.write("root/a.json", "{}");
  crawl();
  take();
  std::filesystem::rename(folder / "root/a.json", folder / "root/b.json");
  settle();
  EXPECT_EQ(take(), (Found{{"a.json", "gone"}, {"b.json", "there"}}));
}

TEST_F(WalkerTest, AMovedFolderIsWatchedUnderItsNewName) {
  folder.write("root/d/e/a.json", "{}");
  crawl();
  take();
  std::filesystem::rename(folder / "root/d", folder / "root/f");
  settle();
  EXPECT_EQ(take(), (Found{{"d/e/a.json", "gone"}, {"f/e/a.json", "there"}}));
  folder.write("root/f/e/b.json", "{}");
  settle();
  EXPECT_EQ(take(), (Found{{"f/e/b.json", "there"}}));
}

TEST_F(WalkerTest, AFolderMovedOutIsNotWatchedAnyMore) {
  folder.write("root/d/a.json", "{}");
  crawl();
  take();
  std::filesystem::rename(folder / "root/d", folder / "outside");
  settle();
  take();
  folder.write("outside/b.json", "{}");
  settle();
  EXPECT_EQ(take(), (Found{}));
}

TEST_F(WalkerTest, LostEventsMeanARecrawlThatIsCounted) {
  crawl();
  folder.write("root/a.json", "{}");
  while (!inotify->read()->empty()) {
  }
  EXPECT_EQ(take(), (Found{}));
  WatchEvent overflow{};
  overflow.kind = WatchEvent::Kind::overflow;
  walker->events({overflow}, ledger.issue());
  settle();
  EXPECT_EQ(take(), (Found{{"a.json", "there"}}));
  EXPECT_EQ(walker->recrawls(), 1U);
}

TEST_F(WalkerTest, ARootThatWentAwayIsOfflineAndNothingCountsAsDeleted) {
  folder.write("root/a.json", "{}");
  crawl();
  take();
  std::filesystem::rename(folder / "root", folder / "away");
  settle();
  EXPECT_EQ(take(), (Found{}));
  EXPECT_TRUE(roots->any_offline());
  std::filesystem::rename(folder / "away", folder / "root");
  crawl();
  EXPECT_EQ(take(), (Found{{"a.json", "there"}}));
  EXPECT_FALSE(roots->any_offline());
}

class WalkerAudit : public WalkerTest {
 protected:
  WalkerAudit() { audit_interval = milliseconds(10); }

  void lose_events() {
    while (!inotify->read()->empty()) {
    }
  }
  // Waits for one that began after this call.
  void audit() {
    const auto until = steady_clock::now() + seconds(30);
    for (const std::uint64_t before = walker->audits(); walker->audits() < before + 2;) {
      ASSERT_LT(steady_clock::now(), until);
      std::this_thread::sleep_for(milliseconds(1));
    }
    settle();
  }
};

// FAULTS 30.
TEST_F(WalkerAudit, FindsWhatNoEventToldOf) {
  folder.write("root/a.json", "{}");
  folder.write("root/d/b.json", "{}");
  crawl();
  take();
  folder.write("root/new.json", "{}");
  folder.write("root/d/e/f/deep.json", "{}");
  lose_events();
  audit();
  const Found seen = take();
  EXPECT_TRUE(seen.contains("new.json"));
  EXPECT_TRUE(seen.contains("d/e/f/deep.json"));
  // What it found is watched from then on.
  folder.write("root/d/e/f/later.json", "{}");
  settle();
  EXPECT_TRUE(take().contains("d/e/f/later.json"));
}

// FAULTS 45: what a mount over a folder looks like from above, another folder at the same path.
TEST_F(WalkerAudit, SeesThatAFolderIsAnotherOne) {
  folder.write("root/d/sub/a.json", "{}");
  crawl();
  take();
  std::filesystem::rename(folder / "root/d", folder / "away");
  folder.write("root/d/sub/b.json", "{}");
  lose_events();
  audit();
  EXPECT_TRUE(take().contains("d/sub/b.json"));
  folder.write("root/d/sub/c.json", "{}");
  settle();
  EXPECT_TRUE(take().contains("d/sub/c.json"));
  folder.write("away/sub/d.json", "{}");
  settle();
  EXPECT_FALSE(take().contains("d/sub/d.json"));
}

TEST_F(WalkerAudit, AFolderThatIsGoneIsForgotten) {
  folder.write("root/d/sub/a.json", "{}");
  crawl();
  std::filesystem::remove_all(folder / "root/d");
  lose_events();
  audit();
  audit();
  folder.write("root/d/sub/a.json", "{}");
  settle();
  EXPECT_EQ(take()["d/sub/a.json"], "there");
}

}  // namespace
}  // namespace jcn
