#include "jcn/read.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "temporary_folder.h"

namespace jcn {
namespace {

class Read : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = open_root(folder_.string());
    ASSERT_TRUE(opened) << opened.error().message;
    root_ = std::move(opened).value();
  }

  ReadOutcome read(const std::string& path, std::uint64_t max_bytes = 1 << 20) {
    return read_fragment(root_.get(), path, max_bytes);
  }

  // The reject's code; otherwise what else came out.
  std::string outcome(const std::string& path, std::uint64_t max_bytes = 1 << 20) {
    const ReadOutcome found = read(path, max_bytes);
    if (const auto* rejected = std::get_if<ReadRejected>(&found)) {
      EXPECT_FALSE(rejected->reject.message.empty());
      EXPECT_FALSE(rejected->reject.line);
      return std::string(code_name(rejected->reject.code));
    }
    if (const auto* later = std::get_if<ReadLater>(&found)) return "later: " + later->why.message;
    if (std::holds_alternative<Vanished>(found)) return "vanished";
    return "read " + std::get<ReadBytes>(found).bytes;
  }

  TemporaryFolder folder_;
  FileDescriptor root_;
};

TEST_F(Read, BytesAndFacts) {
  const std::string bytes("{\"a\":\"\0\xFF\"}\n", 12);
  folder_.write("x/y/a.json", bytes);
  const ReadOutcome found = read("x/y/a.json");
  ASSERT_TRUE(std::holds_alternative<ReadBytes>(found));
  const auto& got = std::get<ReadBytes>(found);
  EXPECT_EQ(got.bytes, bytes);
  struct stat status = {};
  ASSERT_EQ(::stat((folder_ / "x/y/a.json").c_str(), &status), 0);
  EXPECT_EQ(got.facts.size, bytes.size());
  EXPECT_EQ(got.facts.inode, status.st_ino);
  EXPECT_EQ(got.facts.mtime_ns, status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec);
  EXPECT_EQ(got.facts.ctime_ns, status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec);
  EXPECT_GT(got.read_ns, got.facts.ctime_ns - 1'000'000'000);
}

TEST_F(Read, EmptyAndLargestFiles) {
  folder_.write("empty.json", "");
  folder_.write("five.json", "12345");
  EXPECT_EQ(outcome("empty.json"), "read ");
  EXPECT_EQ(outcome("five.json", 5), "read 12345");
  EXPECT_EQ(outcome("five.json", 4), "too_large");
}

TEST_F(Read, SparseGiantIsRefusedUnread) {
  folder_.write("big.json", "");
  ASSERT_EQ(::truncate((folder_ / "big.json").c_str(), 10'000'000'000), 0);
  const ReadOutcome found = read("big.json");
  ASSERT_TRUE(std::holds_alternative<ReadRejected>(found));
  EXPECT_EQ(std::get<ReadRejected>(found).reject.code, Code::too_large);
  EXPECT_EQ(std::get<ReadRejected>(found).facts.size, 10'000'000'000U);
}

TEST_F(Read, NothingThere) {
  folder_.write("file", "x");
  std::filesystem::create_directory(folder_ / "folder.json");
  EXPECT_EQ(outcome("a.json"), "vanished");
  EXPECT_EQ(outcome("x/a.json"), "vanished");
  EXPECT_EQ(outcome("file/a.json"), "vanished");
  EXPECT_EQ(outcome("folder.json"), "vanished");
}

TEST_F(Read, LinksAreNotFollowed) {
  folder_.write("x/a.json", "{}");
  const TemporaryFolder outside;
  outside.write("b.json", "secret");
  std::filesystem::create_symlink("x/a.json", folder_ / "inner.json");
  std::filesystem::create_symlink(outside / "b.json", folder_ / "outer.json");
  std::filesystem::create_symlink("nowhere", folder_ / "dangling.json");
  std::filesystem::create_symlink("loop.json", folder_ / "loop.json");
  std::filesystem::create_symlink("x", folder_ / "linked");
  std::filesystem::create_symlink(outside.string(), folder_ / "out");
  for (const char* path : {"inner.json", "outer.json", "dangling.json", "loop.json"}) {
    EXPECT_EQ(outcome(path), "symlink") << path;
  }
  // Nothing leads there: a walk over the root finds the links alone.
  for (const char* path : {"linked/a.json", "out/b.json", "loop.json/a.json"}) {
    EXPECT_EQ(outcome(path), "vanished") << path;
  }
  EXPECT_EQ(
      outcome("../" + std::filesystem::path(outside.string()).filename().string() + "/b.json"),
      "vanished");
  EXPECT_EQ(outcome(outside.string() + "/b.json"), "vanished");
  ASSERT_EQ(::mkfifo((outside / "pipe.json").c_str(), 0600), 0);
  EXPECT_EQ(outcome("out/pipe.json"), "vanished");
}

TEST_F(Read, FifosSocketsAndDevices) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe.json").c_str(), 0600), 0);
  EXPECT_EQ(outcome("pipe.json"), "fifo");

  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = (folder_ / "s.json").string();
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(outcome("s.json"), "socket");

  auto dev = open_root("/dev");
  ASSERT_TRUE(dev);
  const ReadOutcome found = read_fragment(dev->get(), "zero", 100);
  ASSERT_TRUE(std::holds_alternative<ReadRejected>(found));
  EXPECT_EQ(std::get<ReadRejected>(found).reject.code, Code::device);
}

TEST_F(Read, WithoutPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  folder_.write("a.json", "{}");
  folder_.write("closed/a.json", "{}");
  ASSERT_EQ(::chmod((folder_ / "a.json").c_str(), 0), 0);
  ASSERT_EQ(::chmod((folder_ / "closed").c_str(), 0), 0);
  const ReadOutcome found = read("a.json");
  ASSERT_TRUE(std::holds_alternative<ReadRejected>(found));
  EXPECT_EQ(std::get<ReadRejected>(found).reject.code, Code::permission_denied);
  EXPECT_EQ(std::get<ReadRejected>(found).facts.size, 2U);
  EXPECT_EQ(outcome("closed/a.json"), "permission_denied");
  EXPECT_EQ(open_folder(root_.get(), "closed").error().code, Code::permission_denied);
  ASSERT_EQ(::chmod((folder_ / "closed").c_str(), 0700), 0);
}

TEST_F(Read, LongPaths) {
  EXPECT_EQ(outcome(std::string(256, 'a')), "path_too_long");
  std::string path;
  for (int i = 0; i < 2100; ++i) path += "a/";
  EXPECT_EQ(outcome(path + "b.json"), "path_too_long");
}

TEST_F(Read, ALeaseIsWaitedForLater) {
  folder_.write("a.json", "{}");
  // Breaking the lease signals its holder: this process.
  struct sigaction ignore = {}, before = {};
  ignore.sa_handler = SIG_IGN;
  ASSERT_EQ(::sigaction(SIGIO, &ignore, &before), 0);
  const FileDescriptor writer(::open((folder_ / "a.json").c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(writer);
  if (::fcntl(writer.get(), F_SETLEASE, F_WRLCK) != 0) GTEST_SKIP() << "no leases here";
  EXPECT_TRUE(outcome("a.json").starts_with("later: openat2 a.json: Resource temporarily"));
  ASSERT_EQ(::fcntl(writer.get(), F_SETLEASE, F_UNLCK), 0);
  EXPECT_EQ(outcome("a.json"), "read {}");
  ASSERT_EQ(::sigaction(SIGIO, &before, nullptr), 0);
}

// A writer that never rests: what is read is always one of the two states, or nothing.
TEST_F(Read, NeverMixesTwoStates) {
  const std::string first(200'000, 'a'), second(300'000, 'b');
  folder_.write("a.json", first);
  std::jthread writer([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      folder_.write("new", i % 2 ? first : second);
      std::filesystem::rename(folder_ / "new", folder_ / "a.json");
      if (i % 3 == 0) {  // in place, too
        const FileDescriptor file(::open((folder_ / "a.json").c_str(), O_WRONLY | O_CLOEXEC));
        EXPECT_EQ(::ftruncate(file.get(), 1000), 0);
      }
    }
  });
  int whole = 0, other = 0;
  for (int i = 0; i < 2000; ++i) {
    const ReadOutcome found = read("a.json");
    if (const auto* got = std::get_if<ReadBytes>(&found)) {
      ASSERT_EQ(got->bytes.size(), got->facts.size);
      const std::string& state = got->bytes[0] == 'a' ? first : second;
      ASSERT_EQ(got->bytes, state.substr(0, got->bytes.size()));
      ASSERT_TRUE(got->bytes.size() == 1000 || got->bytes.size() == state.size());
      ++whole;
    } else {
      ASSERT_TRUE(std::holds_alternative<ReadLater>(found));
      EXPECT_EQ(std::get<ReadLater>(found).why.code, Code::unstable);
      ++other;
    }
  }
  EXPECT_GT(whole, 0);
  RecordProperty("later", other);
}

TEST_F(Read, OddNames) {
  folder_.write("a\nb\xFF.json", "{}");
  EXPECT_EQ(outcome("a\nb\xFF.json"), "read {}");
}

TEST_F(Read, OutOfDescriptors) {
  folder_.write("a.json", "{}");
  std::vector<FileDescriptor> taken;
  for (;;) {
    FileDescriptor fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!fd) break;
    taken.push_back(std::move(fd));
  }
  const std::string found = outcome("a.json");
  taken.clear();
  EXPECT_EQ(found, "later: openat2 a.json: Too many open files");
}

TEST_F(Read, Folders) {
  folder_.write("x/y/a.json", "{}");
  std::filesystem::create_symlink("x", folder_ / "linked");
  EXPECT_TRUE(open_folder(root_.get(), ""));
  EXPECT_TRUE(open_folder(root_.get(), "x/y"));
  EXPECT_EQ(open_folder(root_.get(), "linked").error().code, Code::symlink);
  EXPECT_EQ(open_folder(root_.get(), "linked/y").error().code, Code::symlink);
  EXPECT_EQ(open_folder(root_.get(), "..").error().code, Code::symlink);
  EXPECT_EQ(open_folder(root_.get(), "nothing").error().code, Code::system);
  EXPECT_FALSE(open_folder(root_.get(), "x/y/a.json"));
  EXPECT_EQ(open_root((folder_ / "nothing").string()).error().code, Code::root_unavailable);
}

TEST_F(Read, Entries) {
  folder_.write("x/a.json", "{}");
  std::filesystem::create_symlink("x", folder_ / "linked");
  const auto type = [this](const std::string& name) { return stat_entry(root_.get(), name)->type; };
  EXPECT_EQ(type("x"), FolderEntry::Type::folder);
  EXPECT_EQ(type("x/a.json"), FolderEntry::Type::file);
  EXPECT_EQ(type("linked"), FolderEntry::Type::other);
  EXPECT_EQ(type("nothing"), FolderEntry::Type::vanished);
  EXPECT_EQ(stat_entry(root_.get(), "x/a.json")->facts.size, 2U);
}

}  // namespace
}  // namespace jcn
