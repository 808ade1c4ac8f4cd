#include "barrier.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <filesystem>

#include "jcn/read.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

class BarrierTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder / "index");
    std::filesystem::create_directory(folder / "root");
    Result<Inotify> opened = Inotify::open();
    ASSERT_TRUE(opened) << opened.error().message;
    inotify.emplace(*std::move(opened));
    Result<FileDescriptor> root = open_root((folder / "root").string());
    ASSERT_TRUE(root);
    bool limit = false;
    Result<int> number = inotify->watch(root->get(), limit);
    ASSERT_TRUE(number);
    root_watch = *number;
    auto made = Barrier::open((folder / "index").string(), &*inotify, ledger);
    ASSERT_TRUE(made) << made.error().message;
    barrier = *std::move(made);
  }
  std::vector<WatchEvent> read_all() {
    std::vector<WatchEvent> all;
    pollfd waiting{inotify->fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&waiting, 1, 5000), 1);
    for (;;) {
      Result<std::vector<WatchEvent>> some = inotify->read();
      EXPECT_TRUE(some);
      if (!some || some->empty()) return all;
      all.insert(all.end(), some->begin(), some->end());
    }
  }

  TemporaryFolder folder;
  Ledger ledger;
  std::optional<Inotify> inotify;
  int root_watch = -1;
  std::unique_ptr<Barrier> barrier;
};

TEST_F(BarrierTest, ComesBehindEverythingThatHappenedBefore) {
  for (int i = 0; i < 50; ++i) folder.write("root/" + std::to_string(i), "{}");
  auto raised = barrier->raise();
  ASSERT_TRUE(raised);
  std::size_t files = 0;
  for (const WatchEvent& event : read_all()) {
    if (event.watch == root_watch && event.kind == WatchEvent::Kind::closed) ++files;
    if (!barrier->is_own(event)) continue;
    if (event.kind == WatchEvent::Kind::moved_to) {
      EXPECT_EQ(files, 50U);
    }
    barrier->take(event);
  }
  ASSERT_EQ(raised->wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_TRUE(ledger.settled(raised->get()));
}

TEST_F(BarrierTest, OneEventAnswersAllWhoAskedBefore) {
  auto first = barrier->raise();
  auto second = barrier->raise();
  ASSERT_TRUE(first && second);
  for (const WatchEvent& event : read_all()) {
    if (barrier->is_own(event)) barrier->take(event);
  }
  EXPECT_EQ(first->wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_EQ(second->wait_for(std::chrono::seconds(0)), std::future_status::ready);
}

TEST_F(BarrierTest, LostEventsAnswerWithTheRecrawlsEpoch) {
  auto raised = barrier->raise();
  ASSERT_TRUE(raised);
  Ticket recrawl = ledger.issue();
  barrier->overflow();
  const Ledger::Epoch epoch = raised->get();
  EXPECT_FALSE(ledger.settled(epoch));
  recrawl.reset();
  EXPECT_TRUE(ledger.settled(epoch));
}

}  // namespace
}  // namespace jcn
