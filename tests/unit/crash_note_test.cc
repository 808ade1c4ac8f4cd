#include "crash_note.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "temporary_folder.h"

namespace jcn {
namespace {

namespace fs = std::filesystem;

// Whether the end that `work` comes to left a note.
template <class Work>
bool leaves_note(Work work) {
  TemporaryFolder folder;
  const std::string note = folder / "crashed";
  const pid_t child = ::fork();
  EXPECT_GE(child, 0);
  if (child == 0) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    note_crashes(note);
    work();
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "it did not end as it should";
  return fs::exists(note) && fs::file_size(note) > 0;
}

TEST(CrashNote, SignalsOfACrashLeaveOne) {
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    EXPECT_TRUE(leaves_note([&] { ::raise(number); })) << number;
  }
  EXPECT_TRUE(leaves_note([] { std::abort(); }));
  EXPECT_TRUE(leaves_note([] {
    volatile int* nowhere = nullptr;
    *nowhere = 1;
  }));
}

TEST(CrashNote, OtherEndsLeaveNone) {
  EXPECT_FALSE(leaves_note([] { ::raise(SIGKILL); }));
  EXPECT_FALSE(leaves_note([] { ::raise(SIGTERM); }));
  EXPECT_FALSE(leaves_note([] { ::_exit(1); }));
}

}  // namespace
}  // namespace jcn
