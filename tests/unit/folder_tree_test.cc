#include "folder_tree.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

TEST(FolderTree, FindsFoldersByWatch) {
  FolderTree tree;
  tree.put({"r", ""}, {1, 10});
  tree.put({"r", "a"}, {2, 11});
  EXPECT_EQ(tree.by_watch(2), (FolderName{"r", "a"}));
  EXPECT_FALSE(tree.by_watch(3));
  EXPECT_EQ(tree.find({"r", "a"})->inode, 11U);
}

TEST(FolderTree, DetachTakesTheSubtreeAndNothingElse) {
  FolderTree tree;
  int watch = 0;
  for (const char* path : {"", "a", "a-b", "a/b", "a/b/c", "a0", "b"})
    tree.put({"r", path}, {++watch, 0});
  tree.put({"s", "a"}, {++watch, 0});
  EXPECT_EQ(tree.detach({"r", "a"}), (std::vector<int>{2, 4, 5}));
  EXPECT_FALSE(tree.find({"r", "a/b"}));
  EXPECT_TRUE(tree.find({"r", "a-b"}));
  EXPECT_TRUE(tree.find({"r", "a0"}));
  EXPECT_TRUE(tree.find({"s", "a"}));
  EXPECT_EQ(tree.detach({"r", ""}).size(), 4U);
  EXPECT_TRUE(tree.find({"s", "a"}));
}

TEST(FolderTree, AMovedFolderKeepsItsWatchUnderTheNewNameOnly) {
  FolderTree tree;
  tree.put({"r", "old"}, {7, 1});
  tree.put({"r", "new"}, {7, 1});
  EXPECT_EQ(tree.by_watch(7), (FolderName{"r", "new"}));
  EXPECT_FALSE(tree.find({"r", "old"}));
}

TEST(FolderTree, AReplacedFolderLosesItsOldWatch) {
  FolderTree tree;
  tree.put({"r", "a"}, {1, 1});
  tree.put({"r", "a"}, {2, 2});
  EXPECT_FALSE(tree.uses(1));
  tree.forget_watch(1);
  EXPECT_TRUE(tree.find({"r", "a"}));
}

TEST(FolderTree, IsWalkedWhileFoldersComeAndGo) {
  FolderTree tree;
  EXPECT_FALSE(tree.after(std::nullopt));
  for (const char* path : {"", "a", "a/b", "c"}) tree.put({"r", path}, {});
  tree.put({"s", ""}, {});
  std::vector<std::string> walked;
  for (auto at = tree.after(std::nullopt); at; at = tree.after(at)) {
    walked.push_back(at->root + ":" + at->path);
    if (at->path == "a") {
      static_cast<void>(tree.detach({"r", "a"}));
      tree.put({"r", "b"}, {});
    }
  }
  EXPECT_EQ(walked, (std::vector<std::string>{"r:", "r:a", "r:b", "r:c", "s:"}));
}

TEST(FolderTree, KnowsWhatIsPolled) {
  FolderTree tree;
  tree.put({"r", ""}, {1, 1});
  tree.put({"s", "deep"}, {-1, 1});
  EXPECT_FALSE(tree.any_polled("r"));
  EXPECT_TRUE(tree.any_polled("s"));
  EXPECT_EQ(tree.polled(), (std::vector<FolderName>{{"s", "deep"}}));
}

}  // namespace
}  // namespace jcn
