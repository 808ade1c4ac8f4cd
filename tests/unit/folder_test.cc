#include "jcn/folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "index_model.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << "x";
}

TEST(Folder, NamesAreSorted) {
  TemporaryFolder folder;
  for (const char* name : {"b", "a", ".c"}) write(folder / name);
  fs::create_directory(folder / "d");
  EXPECT_EQ(must(names_in(folder.string())), (std::vector<std::string>{".c", "a", "b", "d"}));
  EXPECT_EQ(names_in(folder / "none").error().code, Code::system);
}

TEST(Folder, IsRemovedWithAllThatIsInIt) {
  TemporaryFolder folder;
  write(folder / "other/stays");
  write(folder / "whole/a/b/c/deep");
  write(folder / "whole/a/file");
  write(folder / "whole/z");
  fs::create_symlink(folder / "other", folder / "whole/a/link");
  fs::create_directory(folder / "whole/empty");
  must(remove_whole(folder / "whole"));
  EXPECT_FALSE(fs::exists(folder / "whole"));
  EXPECT_TRUE(fs::exists(folder / "other/stays"));
  must(remove_whole(folder / "whole"));
  must(remove_whole(folder / "other/stays"));
  EXPECT_TRUE(fs::is_empty(folder / "other"));
  write(folder / "again/a");
  try_to_remove_whole(folder / "again");
  EXPECT_FALSE(fs::exists(folder / "again"));
}

}  // namespace
}  // namespace jcn
