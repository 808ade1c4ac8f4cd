#include "transcode_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "temporary_folder.h"

namespace jcn_transcode {
namespace {

namespace fs = std::filesystem;
using jcn::Code;

const std::string mark = "0123456789abcdef", other = "fedcba9876543210";

TEST(IsTemporary, OnlyOfThisVideo) {
  EXPECT_TRUE(is_temporary("abc.720p.webm." + mark + ".part", "abc"));
  EXPECT_TRUE(is_temporary("abc.poster.jpg." + mark + ".part", "abc"));
  EXPECT_TRUE(is_temporary("a.b.2p.webm." + mark + ".part", "a.b"));
  for (const std::string& name : std::vector<std::string>{
           "abc.720p.webm." + mark, "abc.720p.webm.part", "abc.720p.webm.0123456789ABCDEF.part",
           "abc.mp4." + mark + ".part", "abc.p.webm." + mark + ".part", "abc." + mark + ".part",
           "ab.720p.webm." + mark + ".part", "abc.part", "abc."}) {
    EXPECT_FALSE(is_temporary(name, "abc")) << name;
  }
  EXPECT_FALSE(is_temporary("a.b.720p.webm." + mark + ".part", "a"));
}

TEST(PlaceOf, FolderAndName) {
  EXPECT_EQ(place_of("k7/x/abc").folder, "k7/x");
  EXPECT_EQ(place_of("k7/x/abc").name, "abc");
  EXPECT_EQ(place_of("abc").folder, "");
  EXPECT_EQ(place_of("abc").name, "abc");
}

class VideoFilesTest : public testing::Test {
 protected:
  VideoFilesTest() : root_(open(folder_.string().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    fs::create_directory(folder_ / "k7");
  }
  VideoFiles files() { return *VideoFiles::open(root_.get(), "k7/abc", mark); }
  void write(const std::string& name, const std::string& text = "x") {
    std::ofstream(folder_ / name) << text;
  }
  std::vector<std::string> names() {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_ / "k7"))
      found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  }

  jcn::TemporaryFolder folder_;
  jcn::FileDescriptor root_;
};

TEST_F(VideoFilesTest, GetTheirNamesWhenTheyAreWhole) {
  VideoFiles made = files();
  const auto fd = made.make("720p.webm");
  ASSERT_TRUE(fd.ok());
  EXPECT_EQ(names(), std::vector<std::string>{"abc.720p.webm." + mark + ".part"});
  EXPECT_TRUE(made.is_empty(*fd));
  EXPECT_EQ(::write(*fd, "film", 4), 4);
  EXPECT_FALSE(made.is_empty(*fd));
  ASSERT_TRUE(made.sync().ok());
  ASSERT_TRUE(made.settle().ok());
  EXPECT_EQ(names(), std::vector<std::string>{"abc.720p.webm"});
  EXPECT_EQ(made.path("720p.webm"), "k7/abc.720p.webm");
}

TEST_F(VideoFilesTest, LeaveNothingUnlessTheyAreBroughtToTheirPlace) {
  {
    VideoFiles made = files();
    ASSERT_TRUE(made.make("720p.webm").ok());
    ASSERT_TRUE(made.make("poster.jpg").ok());
  }
  EXPECT_EQ(names(), std::vector<std::string>{});
  VideoFiles made = files();
  ASSERT_TRUE(made.make("720p.webm").ok());
  ASSERT_TRUE(made.settle().ok());
  made.remove();
  EXPECT_EQ(names(), std::vector<std::string>{});
}

TEST_F(VideoFilesTest, RemoveWhatOthersLeft) {
  write("k7/abc.720p.webm." + other + ".part");
  write("k7/abd.720p.webm." + other + ".part");
  write("k7/abc.mp4");
  VideoFiles made = files();
  ASSERT_TRUE(made.make("480p.webm").ok());
  EXPECT_EQ(made.remove_leftovers(), 1u);
  EXPECT_EQ(names(), (std::vector<std::string>{"abc.480p.webm." + mark + ".part", "abc.mp4",
                                               "abd.720p.webm." + other + ".part"}));
}

TEST_F(VideoFilesTest, SourcesLieBeneathTheRoot) {
  write("k7/abc.mp4", "film");
  write("outside");
  ASSERT_TRUE(open_source(root_.get(), "k7/abc.mp4").ok());
  fs::create_symlink(folder_ / "outside", folder_ / "k7/link.mp4");
  fs::create_directory_symlink(folder_.string(), folder_ / "k7/up");
  ASSERT_EQ(mkfifo((folder_ / "k7/fifo.mp4").c_str(), 0600), 0);
  for (const char* path : {"k7/none.mp4", "none/abc.mp4", "k7/link.mp4", "k7/up/outside",
                           "../outside", "/etc/passwd", ""})
    EXPECT_EQ(open_source(root_.get(), path).error().code, Code::no_such_fragment) << path;
  EXPECT_EQ(open_source(root_.get(), "k7/fifo.mp4").error().code, Code::device);
  EXPECT_EQ(open_source(root_.get(), "k7").error().code, Code::device);
}

// Whoever reads that it is not there looks for it in vain.
TEST_F(VideoFilesTest, SourceThatCannotBeReadIsNotOneThatIsNotThere) {
  write("k7/abc.mp4", "film");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto source = open_source(root_.get(), "k7/abc.mp4");
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code, Code::system);
  EXPECT_NE(source.error().hint.find("Too many open files"), std::string::npos);
}

TEST_F(VideoFilesTest, AReplacedSourceIsAnother) {
  write("k7/abc.mp4", "film");
  const auto before = open_source(root_.get(), "k7/abc.mp4");
  EXPECT_TRUE(before->same(*open_source(root_.get(), "k7/abc.mp4")));
  write("k7/new.mp4", "film");
  fs::rename(folder_ / "k7/new.mp4", folder_ / "k7/abc.mp4");
  EXPECT_FALSE(before->same(*open_source(root_.get(), "k7/abc.mp4")));
}

}  // namespace
}  // namespace jcn_transcode
