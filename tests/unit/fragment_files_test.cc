#include "fragment_files.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "entity_tag.h"
#include "jcn/read.h"
#include "temporary_folder.h"

namespace {

std::set<std::string>* synced = nullptr;  // paths; while it is set, by one thread

}  // namespace

// In the place of the C library's own, which it calls.
extern "C" int fsync(int file) {
  static auto* const real = reinterpret_cast<decltype(&fsync)>(::dlsym(RTLD_NEXT, "fsync"));
  if (synced)
    synced->insert(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file)));
  return real(file);
}

namespace jcn {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t limit = 1 << 20;

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class FragmentFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(root());
    open();
  }
  fs::path root() const { return folder_ / "root"; }
  fs::path journal() const { return folder_ / "writes"; }
  static Result<FragmentFiles::Folder> open_at(const fs::path& path) {
    JCN_TRY(FileDescriptor opened, open_root(path.string()));
    return std::make_shared<const FileDescriptor>(std::move(opened));
  }
  void open(std::function<void()> before_change = nullptr) {
    const auto find = [this](const std::string& name) -> Result<FragmentFiles::Folder> {
      if (name != "notes") return Error{Code::no_such_root, "no root " + name};
      return open_at(root());
    };
    files_ = std::make_unique<FragmentFiles>(
        FragmentFiles::Surroundings{true, journal().string(), find, 2, std::move(before_change)});
  }
  // The same as a jcn that is killed at this place would leave it.
  template <class Work>
  void killed_in(Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
      open([] { ::kill(::getpid(), SIGKILL); });
      work();
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  std::size_t finish() {
    return files_->finish_left_behind([this](const std::string&) { return open_at(root()); },
                                      limit);
  }

  Result<WrittenFragment> put(const std::string& path, std::string_view bytes,
                              const Precondition& precondition = {}) {
    return files_->write({"notes", path}, bytes, precondition, limit);
  }
  Result<void> remove(const std::string& path, const Precondition& precondition) {
    return files_->remove({"notes", path}, precondition, limit);
  }
  Code put_code(const std::string& path, std::string_view bytes,
                const Precondition& precondition = {}) {
    const auto done = put(path, bytes, precondition);
    EXPECT_FALSE(done.ok()) << path;
    return done ? Code::internal : done.error().code;
  }
  Code remove_code(const std::string& path, const Precondition& precondition) {
    const auto done = remove(path, precondition);
    EXPECT_FALSE(done.ok()) << path;
    return done ? Code::internal : done.error().code;
  }
  static Precondition match(std::string_view bytes) {
    return {entity_tag(hash128(bytes)), std::nullopt};
  }
  void outside(const std::string& path, std::string_view bytes) {
    const fs::path aside = folder_ / "aside";
    std::ofstream(aside, std::ios::binary) << bytes;
    fs::rename(aside, root() / path);
  }
  // All that there is beneath the root, temporary names included.
  std::set<std::string> names() const {
    std::set<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(root()))
      all.insert(entry.path().lexically_relative(root()).string());
    return all;
  }
  using Names = std::set<std::string>;

  TemporaryFolder folder_;
  std::unique_ptr<FragmentFiles> files_;
};

const Precondition anything{"*", std::nullopt};
const Precondition nothing{std::nullopt, "*"};

TEST_F(FragmentFilesTest, CreatesAndReplacesAndRemoves) {
  auto written = put("a.json", "{\"n\":1}");
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_TRUE(written->created);
  EXPECT_EQ(written->content, hash128("{\"n\":1}"));
  written = put("a.json", "{\"n\":2}", match("{\"n\":1}"));
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_FALSE(written->created);
  const auto read = files_->read({"notes", "a.json"}, limit);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->bytes, "{\"n\":2}");
  EXPECT_EQ(read->content, hash128("{\"n\":2}"));
  EXPECT_EQ(remove_code("a.json", match("{\"n\":1}")), Code::precondition_failed);
  EXPECT_TRUE(remove("a.json", match("{\"n\":2}")).ok());
  EXPECT_EQ(names(), Names{});
  EXPECT_TRUE(fs::is_empty(journal()));
  EXPECT_EQ(files_->written(), 2u);
  EXPECT_EQ(files_->removed(), 1u);
  EXPECT_EQ(files_->refused(), 1u);
}

// Others' writes sync the fragment's folder, with what was the fragment's file under its temporary
// name. After a loss of power only the journal knows whose it is.
TEST_F(FragmentFilesTest, WhatIsDisplacedStandsInTheJournalOnTheDiskBefore) {
  ASSERT_TRUE(put("a.json", "old").ok());
  for (const bool replaced : {true, false}) {
    std::set<std::string> on_disk;
    int changes = 0;
    open([&] {
      ++changes;
      EXPECT_TRUE(on_disk.contains(journal().string())) << replaced;
      for (const auto& entry : fs::directory_iterator(journal())) {
        EXPECT_TRUE(on_disk.contains(entry.path().string())) << replaced;
      }
    });
    synced = &on_disk;
    const bool done =
        replaced ? put("a.json", "new", match("old")).ok() : remove("a.json", match("new")).ok();
    synced = nullptr;
    EXPECT_TRUE(done);
    EXPECT_EQ(changes, 1);
    EXPECT_TRUE(on_disk.contains(root().string())) << "and the folder after it";
  }
}

TEST_F(FragmentFilesTest, AWriterSaysWhichFileItMeans) {
  EXPECT_EQ(put_code("a.json", "x", anything), Code::precondition_failed) << "there is none";
  EXPECT_EQ(put_code("a.json", "x", match("y")), Code::precondition_failed);
  ASSERT_TRUE(put("a.json", "{}", nothing).ok());
  EXPECT_EQ(put_code("a.json", "x"), Code::precondition_required);
  EXPECT_EQ(put_code("a.json", "x", nothing), Code::precondition_failed);
  EXPECT_EQ(put_code("a.json", "x", match("y")), Code::precondition_failed);
  const std::string tag = entity_tag(hash128("{}"));
  EXPECT_EQ(put_code("a.json", "x", {"W/" + tag, std::nullopt}), Code::precondition_failed);
  EXPECT_EQ(put_code("a.json", "x", {hash128("{}").hex(), std::nullopt}),
            Code::precondition_failed);
  EXPECT_EQ(put_code("a.json", "x", {tag, tag}), Code::precondition_failed);
  EXPECT_EQ(remove_code("a.json", {}), Code::precondition_required);
  EXPECT_EQ(remove_code("none.json", {}), Code::no_such_fragment);
  EXPECT_EQ(remove_code("none/none.json", anything), Code::no_such_fragment);
  EXPECT_EQ(content(root() / "a.json"), "{}");
  EXPECT_TRUE(put("a.json", "1", {"\"other\", " + tag, std::nullopt}).ok());
  EXPECT_TRUE(put("a.json", "2", anything).ok());
  EXPECT_TRUE(remove("a.json", anything).ok());
}

TEST_F(FragmentFilesTest, MakesFoldersAndLeavesThemOnlyForAFile) {
  ASSERT_TRUE(put("a/b/c.json", "{}").ok());
  EXPECT_EQ(names(), (Names{"a", "a/b", "a/b/c.json"}));
  EXPECT_EQ(put_code("x/y/z.json", "{}", anything), Code::precondition_failed);
  EXPECT_EQ(put_code("x/y/" + std::string(255, 'n') + "/" + std::string(256, 'n'), "{}"),
            Code::path_too_long);
  EXPECT_EQ(names(), (Names{"a", "a/b", "a/b/c.json"}));
  EXPECT_EQ(put_code("a/b/c.json/d.json", "{}"), Code::bad_path) << "a file in the way";
  EXPECT_EQ(put_code("a/b", "{}"), Code::bad_path) << "a folder stands there";
  EXPECT_EQ(remove_code("a/b", anything), Code::bad_path);
}

TEST_F(FragmentFilesTest, LinksAreNeitherFollowedNorReplaced) {
  const fs::path elsewhere = folder_ / "elsewhere";
  fs::create_directory(elsewhere);
  std::ofstream(elsewhere / "a.json") << "theirs";
  fs::create_directory_symlink(elsewhere, root() / "out");
  fs::create_symlink(elsewhere / "a.json", root() / "a.json");
  EXPECT_EQ(put_code("out/b.json", "{}"), Code::symlink);
  EXPECT_EQ(put_code("out/deep/b.json", "{}"), Code::symlink);
  EXPECT_EQ(put_code("out/a.json", "{}", anything), Code::symlink);
  EXPECT_EQ(put_code("a.json", "{}", anything), Code::symlink);
  EXPECT_EQ(remove_code("a.json", anything), Code::symlink);
  EXPECT_EQ(remove_code("out/a.json", anything), Code::symlink);
  EXPECT_FALSE(files_->read({"notes", "out/a.json"}, limit).ok());
  EXPECT_EQ(content(elsewhere / "a.json"), "theirs");
  EXPECT_EQ(names(), (Names{"a.json", "out"}));
  ASSERT_EQ(::mkfifo((root() / "p.json").c_str(), 0600), 0);
  EXPECT_EQ(put_code("p.json", "{}", anything), Code::fifo);
}

TEST_F(FragmentFilesTest, AReplacedFileKeepsItsPermissions) {
  ASSERT_TRUE(put("a.json", "1").ok());
  fs::permissions(root() / "a.json", fs::perms(0604));
  ASSERT_TRUE(put("a.json", "2", anything).ok());
  EXPECT_EQ(fs::status(root() / "a.json").permissions(), fs::perms(0604));
}

TEST_F(FragmentFilesTest, AFileThatIsTooLargeCanOnlyBeOverwrittenBlindly) {
  std::ofstream(root() / "a.json") << std::string(100, ' ');
  const auto put_small = [&](const Precondition& precondition) {
    return files_->write({"notes", "a.json"}, "{}", precondition, 50);
  };
  EXPECT_EQ(put_small(match(std::string(100, ' '))).error().code, Code::precondition_failed);
  EXPECT_EQ(put_small({}).error().code, Code::precondition_required);
  EXPECT_EQ(files_->read({"notes", "a.json"}, 50).error().code, Code::too_large);
  EXPECT_TRUE(put_small(anything).ok());
  EXPECT_EQ(content(root() / "a.json"), "{}");
}

// --- What others do at the same moment

TEST_F(FragmentFilesTest, AnEditJustBeforeTheExchangeStands) {
  outside("a.json", "old");
  open([&] { outside("a.json", "theirs"); });
  EXPECT_EQ(put_code("a.json", "mine", match("old")), Code::precondition_failed);
  EXPECT_EQ(content(root() / "a.json"), "theirs");
  outside("a.json", "old");
  EXPECT_EQ(remove_code("a.json", match("old")), Code::precondition_failed);
  EXPECT_EQ(content(root() / "a.json"), "theirs");
  EXPECT_TRUE(put("a.json", "mine", anything).ok()) << "blind writers asked for it";
  EXPECT_EQ(names(), Names{"a.json"});
  EXPECT_TRUE(fs::is_empty(journal()));
}

TEST_F(FragmentFilesTest, AnEditInPlaceJustBeforeStands) {
  outside("a.json", "old");
  open([&] { std::ofstream(root() / "a.json") << "theirs"; });
  EXPECT_EQ(put_code("a.json", "mine", match("old")), Code::precondition_failed);
  EXPECT_EQ(content(root() / "a.json"), "theirs");
  EXPECT_EQ(names(), Names{"a.json"});
}

TEST_F(FragmentFilesTest, AFileThatIsOpenForWritingIsNotReplaced) {
  outside("a.json", "old");
  {
    const FileDescriptor writer(::open((root() / "a.json").c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(writer);
    EXPECT_EQ(put_code("a.json", "mine", match("old")), Code::precondition_failed);
    EXPECT_EQ(remove_code("a.json", match("old")), Code::precondition_failed);
    ASSERT_TRUE(write_all(writer.get(), "new", "a.json").ok());
  }
  EXPECT_EQ(content(root() / "a.json"), "new");
  EXPECT_EQ(names(), Names{"a.json"});
  EXPECT_TRUE(put("a.json", "mine", match("new")).ok());
}

TEST_F(FragmentFilesTest, AFileCreatedMeanwhileStands) {
  open([&] { outside("a.json", "theirs"); });
  EXPECT_EQ(put_code("a.json", "mine", nothing), Code::precondition_failed);
  fs::remove(root() / "a.json");
  EXPECT_EQ(put_code("a.json", "mine"), Code::precondition_required);
  EXPECT_EQ(content(root() / "a.json"), "theirs");
  EXPECT_EQ(names(), Names{"a.json"});
}

TEST_F(FragmentFilesTest, AFileRemovedMeanwhileIsNotThere) {
  outside("a.json", "old");
  open([&] { fs::remove(root() / "a.json"); });
  EXPECT_EQ(put_code("a.json", "mine", match("old")), Code::precondition_failed);
  outside("a.json", "old");
  EXPECT_EQ(remove_code("a.json", match("old")), Code::no_such_fragment);
  EXPECT_EQ(names(), Names{});
}

TEST_F(FragmentFilesTest, WhatIsNoFileMeanwhileGoesBackToItsPlace) {
  outside("a.json", "old");
  open([&] {
    fs::remove_all(root() / "a.json");
    fs::create_directory(root() / "a.json");
    std::ofstream(root() / "a.json/in.json") << "{}";
  });
  EXPECT_EQ(put_code("a.json", "mine", anything), Code::precondition_failed);
  EXPECT_EQ(names(), (Names{"a.json", "a.json/in.json"}));
  fs::remove_all(root() / "a.json");
  outside("a.json", "old");
  EXPECT_EQ(remove_code("a.json", anything), Code::precondition_failed);
  EXPECT_EQ(names(), (Names{"a.json", "a.json/in.json"}));
}

Precondition beside(std::string path, std::optional<std::string> if_match = {}) {
  return {.if_match = std::move(if_match), .if_none_match = {}, .if_present = std::move(path)};
}

TEST_F(FragmentFilesTest, WhatBelongsToAFileIsWrittenOnlyWhileThatIsThere) {
  EXPECT_EQ(put_code("x/a.edit.json", "mine", beside("x/a.json")), Code::no_such_fragment);
  EXPECT_EQ(names(), Names{}) << "no folder either";
  ASSERT_TRUE(put("x/a.json", "first").ok());
  EXPECT_TRUE(put("x/a.edit.json", "mine", beside("x/a.json")).ok());
  EXPECT_EQ(put_code("x/a.edit.json", "mine", beside("x/a.json")), Code::precondition_required);
  EXPECT_TRUE(put("x/a.edit.json", "again", beside("x/a.json", "*")).ok());
  EXPECT_TRUE(put("x/a.json", "second", beside("x/a.json", "*")).ok()) << "it is there itself";
  fs::remove(root() / "x/a.json");
  fs::create_directory(root() / "x/a.json");
  EXPECT_EQ(put_code("x/a.edit.json", "late", beside("x/a.json", "*")), Code::no_such_fragment);
  EXPECT_EQ(remove_code("x/a.edit.json", beside("x/a.json", "*")), Code::no_such_fragment);
  EXPECT_EQ(content(root() / "x/a.edit.json"), "again");
}

TEST_F(FragmentFilesTest, WhatHasToBePresentStaysUntilTheOtherIsWritten) {
  ASSERT_TRUE(put("a.json", "first").ok());
  std::future<bool> removal;
  std::atomic<bool> begun{false};
  bool waited = false;
  open([&] {
    if (begun.exchange(true)) return;  // the removal's own
    removal = std::async(std::launch::async, [this] { return remove("a.json", anything).ok(); });
    waited = removal.wait_for(std::chrono::milliseconds(100)) == std::future_status::timeout;
  });
  EXPECT_TRUE(put("b.json", "mine", beside("a.json")).ok());
  EXPECT_TRUE(removal.get());
  EXPECT_TRUE(waited);
  EXPECT_EQ(names(), Names{"b.json"});
}

TEST_F(FragmentFilesTest, OfManyWritersOneAtATimeSucceeds) {
  constexpr int writers = 4, rounds = 50;
  ASSERT_TRUE(put("n.json", "0").ok());
  std::vector<std::thread> threads;
  for (int i = 0; i < writers; ++i) {
    threads.emplace_back([&] {
      for (int done = 0; done < rounds;) {
        const auto read = files_->read({"notes", "n.json"}, limit);
        ASSERT_TRUE(read.ok());
        const std::string next = std::to_string(std::stoi(read->bytes) + 1);
        const auto written = put("n.json", next, match(read->bytes));
        if (written) {
          ++done;
        } else {
          ASSERT_EQ(written.error().code, Code::precondition_failed);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(content(root() / "n.json"), std::to_string(writers * rounds));
  EXPECT_EQ(names(), Names{"n.json"});
}

// Whatever a conditional writer put on top, it had read what it replaced.
TEST_F(FragmentFilesTest, EditsFromOutsideAreNeverLostToAConditionalWriter) {
  outside("n.json", "0");
  std::atomic<bool> stop{false};
  std::map<std::string, std::string> based_on;  // what was written, on what was read
  std::thread writer([&] {
    for (int n = 0; !stop; ++n) {
      const auto read = files_->read({"notes", "n.json"}, limit);
      if (!read) continue;
      const std::string next = "m" + std::to_string(n);
      if (put("n.json", next, match(read->bytes))) based_on[next] = read->bytes;
    }
  });
  for (int i = 0; i < 1000; ++i) outside("n.json", "t" + std::to_string(i));
  stop = true;
  writer.join();
  std::string last = content(root() / "n.json");
  while (last.starts_with("m")) {
    ASSERT_TRUE(based_on.contains(last)) << "what was refused does not stand: " << last;
    last = based_on[last];
  }
  EXPECT_EQ(last, "t999") << "the last edit from outside is what everything else was based on";
  EXPECT_EQ(names(), Names{"n.json"});
}

TEST_F(FragmentFilesTest, ThereIsAPlaceForSoManyWriters) {
  auto one = files_->enter(), two = files_->enter();
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_EQ(files_->enter().error().code, Code::overloaded);
  *one = nullptr;
  EXPECT_TRUE(files_->enter().ok());
}

// --- Failures

TEST_F(FragmentFilesTest, AFullDiskLeavesNothingBehind) {
  outside("a.json", "old");
  // Files can't grow any more: what a quota does (EFBIG stands for ENOSPC here).
  const rlimit before = [] {
    rlimit now{};
    ::getrlimit(RLIMIT_FSIZE, &now);
    return now;
  }();
  std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_TRUE(put("made.json", "{}").ok());
  fs::remove(root() / "made.json");
  rlimit small = before;
  small.rlim_cur = 4096;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_EQ(put_code("a.json", std::string(10'000, 'x'), match("old")), Code::write_error);
  EXPECT_EQ(put_code("b/c/d.json", std::string(10'000, 'x')), Code::write_error);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(names(), Names{"a.json"});
  EXPECT_EQ(content(root() / "a.json"), "old");
  EXPECT_TRUE(fs::is_empty(journal()));
}

TEST_F(FragmentFilesTest, OtherRootsAreNotThere) {
  EXPECT_EQ(files_->read({"other", "a.json"}, limit).error().code, Code::no_such_root);
  EXPECT_EQ(files_->write({"other", "a.json"}, "{}", {}, limit).error().code, Code::no_such_root);
}

// --- A killed jcn

TEST_F(FragmentFilesTest, TheNextStartRemovesWhatAKilledOneLeftBehind) {
  outside("a.json", "old");
  outside(".jcn-0123456789abcdef0123456789abcdef.tmp", "not jcn's");
  killed_in([&] { static_cast<void>(put("b/c.json", "mine")); });
  killed_in([&] { static_cast<void>(put("a.json", "mine", match("old"))); });
  killed_in([&] { static_cast<void>(remove("a.json", match("old"))); });
  EXPECT_EQ(names().size(), 5u) << "two temporary files";
  EXPECT_EQ(finish(), 3u);
  EXPECT_EQ(names(), (Names{".jcn-0123456789abcdef0123456789abcdef.tmp", "a.json", "b"}));
  EXPECT_EQ(content(root() / "a.json"), "old");
  EXPECT_TRUE(fs::is_empty(journal()));
  EXPECT_EQ(finish(), 0u);
}

// Killed right behind the exchange, with the journal and the names as they are then.
class KilledBehindTheExchange : public FragmentFilesTest {
 protected:
  void exchanged(const std::string& found) {
    outside("a.json", found);
    WriteJournal journal(this->journal().string());
    auto note = journal.note({"notes", "a.json"});
    ASSERT_TRUE(note.ok());
    temporary_ = note->temporary();
    std::ofstream(root() / temporary_) << "mine";
    const int fd = open_.get();
    const auto own = identity_of(fd, temporary_);
    ASSERT_TRUE(own.ok());
    ASSERT_TRUE(note->displaces({hash128("old"), *own}).ok());
    ASSERT_EQ(exchange_names(fd, temporary_, "a.json"), 0);
    note->keep();
  }
  void SetUp() override {
    FragmentFilesTest::SetUp();
    open_ = FileDescriptor(::open(root().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  FileDescriptor open_;
  std::string temporary_;
};

TEST_F(KilledBehindTheExchange, TheNewFileStandsInPlaceOfTheOneThatWasMeant) {
  exchanged("old");
  EXPECT_EQ(finish(), 1u);
  EXPECT_EQ(content(root() / "a.json"), "mine");
  EXPECT_EQ(names(), Names{"a.json"});
}

TEST_F(KilledBehindTheExchange, AnEditFromOutsideGoesBackToItsPlace) {
  exchanged("theirs");
  EXPECT_EQ(finish(), 1u);
  EXPECT_EQ(content(root() / "a.json"), "theirs");
  EXPECT_EQ(names(), Names{"a.json"});
}

TEST_F(KilledBehindTheExchange, ButNotOnTopOfALaterOne) {
  exchanged("theirs");
  outside("a.json", "theirs, later");
  EXPECT_EQ(finish(), 1u);
  EXPECT_EQ(content(root() / "a.json"), "theirs, later");
  EXPECT_EQ(names(), Names{"a.json"});
}

TEST_F(KilledBehindTheExchange, AnEditMovedAwayForRemovalGoesBack) {
  outside("a.json", "theirs");
  WriteJournal journal(this->journal().string());
  auto note = journal.note({"notes", "a.json"});
  ASSERT_TRUE(note.ok());
  ASSERT_TRUE(note->displaces({hash128("old"), std::nullopt}).ok());
  ASSERT_EQ(rename_to_free_name(open_.get(), "a.json", note->temporary()), 0);
  note->keep();
  EXPECT_EQ(finish(), 1u);
  EXPECT_EQ(content(root() / "a.json"), "theirs");
  EXPECT_EQ(names(), Names{"a.json"});
}

TEST_F(FragmentFilesTest, AnEntryOfARootThatIsAwayIsKept) {
  killed_in([&] { static_cast<void>(put("a.json", "mine")); });
  const auto away = [](const std::string&) -> Result<FragmentFiles::Folder> {
    return Error{Code::root_unavailable, "away"};
  };
  EXPECT_EQ(files_->finish_left_behind(away, limit), 0u);
  EXPECT_EQ(finish(), 1u);
  EXPECT_EQ(names(), Names{});
}

}  // namespace
}  // namespace jcn
