#include "roots.h"

#include <gtest/gtest.h>

#include "temporary_folder.h"

namespace jcn {
namespace {

class RootsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder / "up");
    roots = std::make_unique<Roots>(
        std::vector<RootConfig>{{"up", (folder / "up").string(), true, false}});
  }
  void go_online() {
    Result<Roots::Opened> opened = roots->open("up");
    ASSERT_TRUE(opened) << opened.error().message;
    roots->set_online("up", *std::move(opened));
  }
  TemporaryFolder folder;
  std::unique_ptr<Roots> roots;
};

TEST_F(RootsTest, IsPresentWhileThePathLeadsToTheOpenedFolder) {
  EXPECT_EQ(roots->presence("up"), Roots::Presence::gone);
  go_online();
  EXPECT_EQ(roots->presence("up"), Roots::Presence::here);
  std::filesystem::rename(folder / "up", folder / "away");
  EXPECT_EQ(roots->presence("up"), Roots::Presence::gone);
  std::filesystem::create_directory(folder / "up");
  EXPECT_EQ(roots->presence("up"), Roots::Presence::gone) << "another folder of that name";
  std::filesystem::remove(folder / "up");
  std::filesystem::rename(folder / "away", folder / "up");
  EXPECT_EQ(roots->presence("up"), Roots::Presence::here);
}

TEST_F(RootsTest, AFolderKeepsItsIdentityThroughARename) {
  const std::string before = roots->open("up")->identity;
  std::filesystem::rename(folder / "up", folder / "away");
  EXPECT_FALSE(roots->open("up"));
  std::filesystem::create_directory(folder / "up");
  EXPECT_NE(roots->open("up")->identity, before);
}

TEST_F(RootsTest, OfflineSaysWhyAndWhatToDo) {
  go_online();
  EXPECT_TRUE(roots->reasons().empty());
  roots->set_offline("up", "gone fishing");
  EXPECT_TRUE(roots->any_offline());
  EXPECT_EQ(roots->fd("up"), nullptr);
  ASSERT_EQ(roots->reasons().size(), 1U);
  EXPECT_EQ(roots->reasons()[0].code, "root_offline");
  EXPECT_NE(roots->reasons()[0].detail.find("gone fishing"), std::string::npos);
  EXPECT_NE(roots->reasons()[0].detail.find("jcnctl accept up"), std::string::npos);
}

TEST_F(RootsTest, LocatesPathsBeneathARootOnly) {
  const std::string up = (folder / "up").string();
  EXPECT_EQ(roots->locate(up + "/a/b.json"), (FragmentName{"up", "a/b.json"}));
  EXPECT_FALSE(roots->locate(up));
  EXPECT_FALSE(roots->locate(up + "-more/a.json"));
  EXPECT_TRUE(roots->known("up"));
  EXPECT_FALSE(roots->known("down"));
}

}  // namespace
}  // namespace jcn
