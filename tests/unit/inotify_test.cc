#include "inotify.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "jcn/read.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

using Kind = WatchEvent::Kind;

class InotifyTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<Inotify> opened = Inotify::open();
    ASSERT_TRUE(opened) << opened.error().message;
    inotify.emplace(*std::move(opened));
    Result<FileDescriptor> fd = open_root(folder.string());
    ASSERT_TRUE(fd);
    bool limit = true;
    Result<int> number = inotify->watch(fd->get(), limit);
    ASSERT_TRUE(number) << number.error().message;
    EXPECT_FALSE(limit);
    watch = *number;
  }
  // Events are queued before the call that causes them returns.
  std::vector<Kind> kinds() {
    std::vector<Kind> all;
    Result<std::vector<WatchEvent>> events = inotify->read();
    EXPECT_TRUE(events);
    for (const WatchEvent& event : *events) {
      EXPECT_EQ(event.watch, watch);
      all.push_back(event.kind);
      last = event;
    }
    return all;
  }

  TemporaryFolder folder;
  std::optional<Inotify> inotify;
  int watch = -1;
  WatchEvent last{};
};

TEST_F(InotifyTest, NothingIsAnEmptyList) {
  EXPECT_TRUE(kinds().empty());
}

TEST_F(InotifyTest, AWrittenFileIsCreatedModifiedClosed) {
  folder.write("a.json", "{}");
  EXPECT_EQ(kinds(), (std::vector<Kind>{Kind::created, Kind::modified, Kind::closed}));
  EXPECT_EQ(last.name, "a.json");
  EXPECT_FALSE(last.folder);
}

TEST_F(InotifyTest, TruncateByNameIsSeen) {
  folder.write("a.json", "{}");
  kinds();
  ASSERT_EQ(::truncate((folder / "a.json").c_str(), 1), 0);
  EXPECT_EQ(kinds(), (std::vector<Kind>{Kind::modified}));
}

TEST_F(InotifyTest, ARenamesEndsShareACookie) {
  folder.write("a.json", "{}");
  kinds();
  std::filesystem::rename(folder / "a.json", folder / "b.json");
  Result<std::vector<WatchEvent>> events = inotify->read();
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ((*events)[0].kind, Kind::moved_from);
  EXPECT_EQ((*events)[1].kind, Kind::moved_to);
  EXPECT_NE((*events)[0].cookie, 0U);
  EXPECT_EQ((*events)[0].cookie, (*events)[1].cookie);
}

TEST_F(InotifyTest, FoldersAreMarked) {
  std::filesystem::create_directory(folder / "d");
  EXPECT_EQ(kinds(), (std::vector<Kind>{Kind::created}));
  EXPECT_TRUE(last.folder);
}

TEST_F(InotifyTest, TheSameFolderHasTheSameNumber) {
  Result<FileDescriptor> fd = open_root(folder.string());
  bool limit = false;
  EXPECT_EQ(*inotify->watch(fd->get(), limit), watch);
  inotify->unwatch(watch);
  EXPECT_EQ(kinds(), (std::vector<Kind>{Kind::ignored}));
}

}  // namespace
}  // namespace jcn
