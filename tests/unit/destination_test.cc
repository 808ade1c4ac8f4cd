#include "destination.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "database.h"
#include "tables.h"

namespace jcn_export {
namespace {

namespace fs = std::filesystem;
using Replaces = Destination::Replaces;

class DestinationTest : public testing::Test {
 protected:
  DestinationTest() {
    std::string name = testing::TempDir() + "destinationXXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~DestinationTest() override { fs::remove_all(folder_); }
  std::string at(const std::string& name) const { return folder_ + "/" + name; }
  static void put(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  static std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // A database of ours, with one table of one row.
  static void make_own(const std::string& path, int number) {
    auto file = Database::open(path, Database::Access::make);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->run("PRAGMA application_id = " + std::to_string(application_id) +
                          "; CREATE TABLE t (n); INSERT INTO t VALUES (" + std::to_string(number) +
                          ")"));
    ASSERT_TRUE(file->close());
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  std::string folder_;
};

TEST_F(DestinationTest, TheOldFileStandsUntilCommit) {
  put(at("x"), "old");
  {
    auto destination = Destination::open(at("x"), Replaces::texts);
    ASSERT_TRUE(destination);
    put(destination->aside(), "new");
    EXPECT_EQ(bytes_of(at("x")), "old");
    ASSERT_TRUE(destination->commit());
  }
  EXPECT_EQ(bytes_of(at("x")), "new");
  EXPECT_EQ(files(), 1u);
}

TEST_F(DestinationTest, WithoutCommitNothingIsLeft) {
  put(at("x"), "old");
  ASSERT_TRUE(Destination::open(at("x"), Replaces::texts));
  EXPECT_EQ(bytes_of(at("x")), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(DestinationTest, WhatAKilledRunLeftIsTakenOver) {
  put(at(".x.jcn-export"), std::string(100000, 'k'));
  auto destination = Destination::open(at("x"), Replaces::own_databases);
  ASSERT_TRUE(destination);
  EXPECT_EQ(destination->aside(), at(".x.jcn-export"));
  EXPECT_EQ(fs::file_size(destination->aside()), 0u);
}

TEST_F(DestinationTest, OneRunAtATime) {
  auto first = Destination::open(at("x"), Replaces::texts);
  ASSERT_TRUE(first);
  const auto second = Destination::open(at("x"), Replaces::texts);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another jcn-export"), std::string::npos);
}

TEST_F(DestinationTest, FoldersDevicesAndOtherFilesAreRefused) {
  EXPECT_EQ(Destination::open(folder_, Replaces::texts).error().code, jcn::Code::bad_usage);
  EXPECT_EQ(Destination::open(folder_ + "/", Replaces::texts).error().code, jcn::Code::bad_usage);
  EXPECT_EQ(Destination::open("/dev/null", Replaces::texts).error().code, jcn::Code::bad_usage);
  put(at("text"), "some notes");
  EXPECT_EQ(Destination::open(at("text"), Replaces::own_databases).error().code,
            jcn::Code::bad_usage);
  {
    auto other = Database::open(at("other"), Database::Access::make);
    ASSERT_TRUE(other->run("CREATE TABLE t (n)"));
  }
  EXPECT_EQ(Destination::open(at("other"), Replaces::own_databases).error().code,
            jcn::Code::bad_usage);
  EXPECT_EQ(Destination::open(at("other"), Replaces::texts).error().code, jcn::Code::bad_usage);
  EXPECT_EQ(files(), 2u);
}

TEST_F(DestinationTest, AFolderThatIsNotThereIsNamed) {
  const auto refused = Destination::open(at("no/x"), Replaces::texts);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().hint.find(at("no")), std::string::npos);
}

TEST_F(DestinationTest, OwnAndEmptyFilesAreReplaced) {
  put(at("empty"), "");
  EXPECT_TRUE(Destination::open(at("empty"), Replaces::own_databases));
  make_own(at("own"), 1);
  auto destination = Destination::open(at("own"), Replaces::own_databases);
  ASSERT_TRUE(destination);
  EXPECT_TRUE(destination->exists());
}

TEST_F(DestinationTest, LinksAreFollowed) {
  put(at("real"), "old");
  ASSERT_EQ(::symlink("real", at("link").c_str()), 0);
  auto destination = Destination::open(at("link"), Replaces::texts);
  ASSERT_TRUE(destination);
  put(destination->aside(), "new");
  ASSERT_TRUE(destination->commit());
  EXPECT_TRUE(fs::is_symlink(at("link")));
  EXPECT_EQ(bytes_of(at("real")), "new");
}

TEST_F(DestinationTest, ALinkToWhatIsNotThereYetStays) {
  ASSERT_EQ(::symlink("real", at("link").c_str()), 0);
  auto destination = Destination::open(at("link"), Replaces::own_databases);
  ASSERT_TRUE(destination);
  EXPECT_EQ(destination->aside(), at(".real.jcn-export"));
  ASSERT_TRUE(destination->commit());
  EXPECT_TRUE(fs::is_symlink(at("link")));
  EXPECT_TRUE(fs::exists(at("real")));
}

// A journal that a killed writer of the old file left would be rolled back into the new one.
TEST_F(DestinationTest, AJournalOfTheOldFileNeverTouchesTheNewOne) {
  make_own(at("x"), 1);
  {
    auto writer = Database::open(at("x"), Database::Access::change);
    ASSERT_TRUE(writer->run("PRAGMA cache_size = 1; BEGIN; UPDATE t SET n = 2"));
    std::string many = "INSERT INTO t SELECT randomblob(1000) FROM t";
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(writer->run(many));
    // As it stands on the disk in the midst of a transaction: what a kill leaves.
    fs::copy_file(at("x"), at("y"));
    fs::copy_file(at("x-journal"), at("y-journal"));
  }
  auto destination = Destination::open(at("y"), Replaces::own_databases);
  ASSERT_TRUE(destination);
  make_own(destination->aside(), 3);
  const auto done = destination->commit();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_FALSE(fs::exists(at("y-journal")));
  auto file = Database::open(at("y"), Database::Access::read);
  EXPECT_EQ(*file->value("SELECT group_concat(n) FROM t"), "3");
}

// A log of the old file would be read as one of the new file.
TEST_F(DestinationTest, ALogOfTheOldFileNeverTouchesTheNewOne) {
  make_own(at("x"), 1);
  auto writer = Database::open(at("x"), Database::Access::change);
  ASSERT_TRUE(writer->run("PRAGMA journal_mode = WAL; UPDATE t SET n = 2"));
  {
    auto destination = Destination::open(at("x"), Replaces::own_databases);
    ASSERT_TRUE(destination);
    make_own(destination->aside(), 3);
    const auto refused = destination->commit();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().hint.find("close it"), std::string::npos);
  }
  EXPECT_EQ(*writer->value("SELECT n FROM t"), "2");
  ASSERT_TRUE(writer->close());
  auto destination = Destination::open(at("x"), Replaces::own_databases);
  ASSERT_TRUE(destination);
  make_own(destination->aside(), 3);
  ASSERT_TRUE(destination->commit());
  auto file = Database::open(at("x"), Database::Access::read);
  EXPECT_EQ(*file->value("SELECT n FROM t"), "3");
}

// SQLite would read them as the new file's, and find other rows, or a file that is malformed.
TEST_F(DestinationTest, AJournalOrLogWithoutItsDatabaseIsRefused) {
  for (const std::string end : {"-journal", "-wal"}) {
    put(at("x") + end, "pages");
    const auto refused = Destination::open(at("x"), Replaces::own_databases);
    ASSERT_FALSE(refused) << end;
    EXPECT_EQ(refused.error().code, jcn::Code::bad_usage);
    EXPECT_NE(refused.error().hint.find("remove it"), std::string::npos);
    EXPECT_EQ(bytes_of(at("x") + end), "pages");
    EXPECT_TRUE(Destination::open(at("x"), Replaces::texts)) << end;
    fs::remove(at("x") + end);
  }
  put(at("x-journal"), "");  // says nothing
  auto destination = Destination::open(at("x"), Replaces::own_databases);
  ASSERT_TRUE(destination);
  put(at("x-wal"), "pages");
  make_own(destination->aside(), 3);
  EXPECT_FALSE(destination->commit());
  EXPECT_FALSE(fs::exists(at("x")));
}

TEST_F(DestinationTest, AFileThatNobodyMayWriteIsReplacedAndStaysSo) {
  make_own(at("x"), 1);
  ASSERT_EQ(::chmod(at("x").c_str(), 0444), 0);
  auto destination = Destination::open(at("x"), Replaces::own_databases);
  ASSERT_TRUE(destination);
  struct stat file {};
  ASSERT_EQ(::stat(destination->aside().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0644u);
  make_own(destination->aside(), 3);
  ASSERT_TRUE(destination->commit());
  ASSERT_EQ(::stat(at("x").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0444u);
}

TEST_F(DestinationTest, EachRefusalSaysWhatToDo) {
  put(at("file"), "x");
  ASSERT_EQ(::symlink("loop", at("loop").c_str()), 0);
  for (const std::string& path :
       {std::string(), at("file/x"), at("loop"), at(std::string(250, 'n')), at("none/x")}) {
    const auto refused = Destination::open(path, Replaces::own_databases);
    ASSERT_FALSE(refused) << path;
    EXPECT_NE(refused.error().hint, "") << path;
  }
}

}  // namespace
}  // namespace jcn_export
