// What may be written after confine_writing(), in a child: it is never undone.
#include "write_confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "temporary_folder.h"

namespace {

namespace fs = std::filesystem;

// 0, or the errno of what could not be done.
int make(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  const bool written = ::write(fd, "x", 1) == 1;
  const int fault = written ? 0 : errno;
  ::close(fd);
  return fault;
}

enum Outcome { held = 0, not_there = 1, broken = 2 };

// The outcome of `checks` in a child that may write beneath `folders`.
int confined(const std::vector<std::string>& folders, const std::function<bool()>& checks) {
  const pid_t child = ::fork();
  if (child == 0) {
    const jcn::Result<bool> done = jcn::confine_writing(folders);
    if (!done.ok()) ::_exit(broken);
    if (!*done) ::_exit(not_there);
    ::_exit(checks() ? held : broken);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class WriteConfinement : public ::testing::Test {
 protected:
  void expect(const std::function<bool()>& checks) {
    const int outcome = confined({inside}, checks);
    if (outcome == not_there) GTEST_SKIP() << "this kernel has no Landlock";
    EXPECT_EQ(outcome, held);
  }

  const jcn::TemporaryFolder temp;
  const std::string inside = temp.string() + "/state/index", outside = temp.string() + "/notes";
  void SetUp() override { fs::create_directory(outside); }
};

TEST_F(WriteConfinement, BeneathTheFoldersEverythingGoesOn) {
  expect([&] {
    const std::string a = inside + "/a", b = inside + "/b";
    return ::mkdir(a.c_str(), 0700) == 0 && ::mkdir(b.c_str(), 0700) == 0 &&
           make(a + "/file") == 0 && ::rename((a + "/file").c_str(), (b + "/file").c_str()) == 0 &&
           ::link((b + "/file").c_str(), (a + "/link").c_str()) == 0 &&
           ::unlink((b + "/file").c_str()) == 0 && ::rmdir(b.c_str()) == 0;
  });
}

TEST_F(WriteConfinement, ElsewhereNothingIsMadeChangedOrRemoved) {
  const std::string note = outside + "/note.json";
  ASSERT_EQ(make(note), 0);
  expect([&] {
    return make(outside + "/other.json") == EACCES && make(note) == EACCES &&
           ::truncate(note.c_str(), 0) != 0 && ::unlink(note.c_str()) != 0 &&
           ::mkdir((outside + "/folder").c_str(), 0700) != 0 &&
           ::rename(note.c_str(), (inside + "/note.json").c_str()) != 0 &&
           ::symlink("note.json", (outside + "/link").c_str()) != 0;
  });
  EXPECT_TRUE(fs::exists(note));
  EXPECT_EQ(std::distance(fs::directory_iterator(outside), fs::directory_iterator()), 1);
}

TEST_F(WriteConfinement, ThreadsMadeLaterAreConfinedAndEverybodyReads) {
  const std::string note = outside + "/note.json";
  ASSERT_EQ(make(note), 0);
  expect([&] {
    int made = 0, read = -1;
    std::thread([&] {
      made = make(outside + "/other.json");
      read = ::open(note.c_str(), O_RDONLY | O_CLOEXEC);
    }).join();
    return made == EACCES && read >= 0 && make("/dev/null") == 0;
  });
}

}  // namespace
