#include "generation.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "index_model.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

namespace fs = std::filesystem;

TEST(Generation, CurrentIsWrittenWholeAndReadStrictly) {
  TemporaryFolder folder;
  EXPECT_EQ(must(read_current(folder.string())), std::nullopt);
  must(write_current(folder.string(), "gen-000007"));
  EXPECT_EQ(must(read_current(folder.string())), "gen-000007");
  EXPECT_FALSE(fs::exists(folder / "CURRENT.new"));
  for (const char* text : {"", "gen-", "gen-00000x\n", "../gen-000001\n", "gen-000001.damaged\n"}) {
    folder.write("CURRENT", text);
    const auto current = read_current(folder.string());
    ASSERT_FALSE(current) << text;
    EXPECT_EQ(current.error().code, Code::index_damaged);
  }
}

// As a child of a process that was killed does, until it has its own program, or its death signal.
TEST(Generation, WhoHoldsTheLockForAMomentIsWaitedFor) {
  TemporaryFolder folder;
  FileDescriptor lock = must(lock_index(folder.string()));
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    lock.reset();
  });
  const auto waited = lock_index(folder.string());
  other.join();
  EXPECT_TRUE(waited);
}

TEST(Generation, LeftoversGoAndTheLastOneSetAsideStays) {
  TemporaryFolder folder;
  for (const char* name :
       {"gen-000001.damaged", "gen-000002.damaged", "gen-000003", "gen-000004"}) {
    folder.write(std::string(name) + "/data.mdb", "x");
  }
  folder.write("gen-notes/keep", "x");
  EXPECT_EQ(must(next_generation(folder.string())), "gen-000005");
  must(remove_leftovers(folder.string(), "gen-000003"));
  EXPECT_FALSE(fs::exists(folder / "gen-000001.damaged"));
  EXPECT_TRUE(fs::exists(folder / "gen-000002.damaged"));
  EXPECT_TRUE(fs::exists(folder / "gen-000003"));
  EXPECT_FALSE(fs::exists(folder / "gen-000004"));
  EXPECT_TRUE(fs::exists(folder / "gen-notes/keep"));
  must(set_aside(folder.string(), "gen-000003"));
  EXPECT_TRUE(fs::exists(folder / "gen-000003.damaged"));
}

TEST(Generation, NameOfOneThatIsGoneIsNotGivenAgain) {
  TemporaryFolder folder;
  must(write_current(folder.string(), "gen-000007"));
  EXPECT_EQ(must(next_generation(folder.string())), "gen-000008");
}

TEST(Generation, LockHoldsWithinOneProcessToo) {
  TemporaryFolder folder;
  FileDescriptor lock = must(lock_index(folder / "made/with/parents"));
  const auto second = lock_index(folder / "made/with/parents");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::index_in_use);
  lock.reset();
  EXPECT_TRUE(lock_index(folder / "made/with/parents"));
}

// A half-made generation that CURRENT never named is a kill during creation, nothing else.
TEST(Generation, HalfMadeOneIsReplaced) {
  TemporaryFolder folder;
  folder.write("index/gen-000001/data.mdb", "half");
  auto writer = open_writer(folder / "index");
  EXPECT_EQ(writer->rebuilt_because(), "");
  EXPECT_FALSE(fs::exists(folder / "index" / "gen-000001"));
  EXPECT_TRUE(fs::exists(folder / "index" / "gen-000002"));
}

}  // namespace
}  // namespace jcn
