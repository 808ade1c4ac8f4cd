#include "child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jcn/file_descriptor.h"

namespace jcn_transcode {
namespace {

TEST(RunChild, HandsOnWhatItSaysAndItsArgumentsAsTheyAre) {
  std::string said;
  const auto ended = run_child({.program = "printf",
                                .arguments = {"%s|", "a b", "$(x)", "-y", ""},
                                .output = [&](std::string_view bytes) { said += bytes; }});
  ASSERT_TRUE(ended.ok()) << ended.error().message;
  EXPECT_TRUE(ended->fine());
  EXPECT_EQ(said, "a b|$(x)|-y||");
}

TEST(RunChild, GivesDescriptorsInTheirOrderAndNoOthers) {
  const jcn::FileDescriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const jcn::FileDescriptor zero(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  const int given[] = {zero.get(), null.get()};
  std::string said;
  const auto ended = run_child({.program = "sh",
                                .arguments = {"-c",
                                              "for n in 0 3 4; do readlink /proc/self/fd/$n; done; "
                                              "[ -e /proc/$$/fd/5 ] || echo no more"},
                                .descriptors = given,
                                .output = [&](std::string_view bytes) { said += bytes; }});
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(said, "/dev/null\n/dev/zero\n/dev/null\nno more\n");
}

TEST(RunChild, KeepsTheEndOfWhatItComplainsAbout) {
  const auto ended =
      run_child({.program = "sh", .arguments = {"-c", "seq 1 100000 >&2; echo last >&2; exit 3"}});
  ASSERT_TRUE(ended.ok());
  EXPECT_FALSE(ended->fine());
  EXPECT_EQ(WEXITSTATUS(ended->status), 3);
  EXPECT_LE(ended->errors.size(), 40'000u);
  EXPECT_TRUE(ended->errors.ends_with("100000\nlast\n"));
}

TEST(RunChild, EndsItWithItsGroup) {
  std::string said;
  const auto ended = run_child({.program = "sh",
                                .arguments = {"-c", "sleep 1000 & echo $!; wait"},
                                .output = [&](std::string_view bytes) { said += bytes; },
                                .goes_on = [&] { return said.find('\n') == std::string::npos; }});
  ASSERT_TRUE(ended.ok());
  EXPECT_TRUE(ended->ended);
  EXPECT_TRUE(WIFSIGNALED(ended->status));
  const pid_t grandchild = std::stoi(said);
  for (int i = 0; i < 1000 && kill(grandchild, 0) == 0; ++i) {
    // Whoever adopts it has to see that it is over.
    std::string state;
    const jcn::FileDescriptor stat(
        open(("/proc/" + std::to_string(grandchild) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
    char bytes[256] = {};
    if (stat.valid() && read(stat.get(), bytes, sizeof bytes - 1) > 0) state = bytes;
    if (state.find(") Z ") != std::string::npos) return;
    usleep(10'000);
  }
  EXPECT_NE(kill(grandchild, 0), 0);
}

TEST(RunChild, SaysWhatCanNotBeStarted) {
  const auto ended = run_child({.program = "/nonexistent/ffmpeg"});
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().code, jcn::Code::system);
  EXPECT_NE(ended.error().message.find("/nonexistent/ffmpeg"), std::string::npos);
}

}  // namespace
}  // namespace jcn_transcode
