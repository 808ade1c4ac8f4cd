#include "touched_log.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>

#include "index_model.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

TouchedRow row(std::uint64_t seq, const std::string& id) {
  return {seq, {"videos", id}};
}

std::vector<std::string> ids(const TouchedLog& log) {
  std::vector<std::string> found;
  for (const TouchedRow& r : log.leftover())
    found.push_back(r.key.id + ':' + std::to_string(r.seq));
  return found;
}
using Ids = std::vector<std::string>;

TEST(TouchedLog, NamesWhatIsBeyondTheFold) {
  TemporaryFolder folder;
  {
    TouchedLog log = must(TouchedLog::open(folder.string(), 0));
    EXPECT_TRUE(log.leftover().empty());
    must(log.append({row(1, "a"), row(2, "b")}));
    must(log.append({row(3, "a")}));
    must(log.rotate());
    must(log.append({row(4, "c")}));
  }
  TouchedLog log = must(TouchedLog::open(folder.string(), 2));
  EXPECT_EQ(ids(log), (Ids{"a:3", "c:4"}));
}

TEST(TouchedLog, KeepsWhatWasNotAnnouncedEvenBelowALaterFold) {
  TemporaryFolder folder;
  must(must(TouchedLog::open(folder.string(), 0)).append({row(5, "a")}));
  {
    TouchedLog log = must(TouchedLog::open(folder.string(), 4));
    EXPECT_EQ(ids(log), (Ids{"a:5"}));
    must(log.append({row(100, "b")}));
  }
  {
    TouchedLog log = must(TouchedLog::open(folder.string(), 99));
    EXPECT_EQ(ids(log), (Ids{"a:5", "b:100"}));
    must(log.drop_leftover());
    EXPECT_TRUE(log.leftover().empty());
  }
  EXPECT_TRUE(must(TouchedLog::open(folder.string(), 0)).leftover().empty());
}

TEST(TouchedLog, DroppedFoldingIsGone) {
  TemporaryFolder folder;
  {
    TouchedLog log = must(TouchedLog::open(folder.string(), 0));
    must(log.append({row(1, "a")}));
    must(log.rotate());
    must(log.append({row(2, "b")}));
    must(log.drop_folding());
  }
  EXPECT_EQ(ids(must(TouchedLog::open(folder.string(), 0))), (Ids{"b:2"}));
}

// A fold whose rotation ended between its two steps (no memory) does not keep all later ones from
// theirs.
TEST(TouchedLog, RotationGoesOnFromWhereItWasLeft) {
  TemporaryFolder folder;
  {
    TouchedLog log = must(TouchedLog::open(folder.string(), 0));
    must(log.append({row(1, "a")}));
    std::filesystem::rename(folder / "touched.log", folder / "touched.log.folding");
    must(log.append({row(2, "b")}));
    must(log.rotate());
    must(log.append({row(3, "c")}));
  }
  EXPECT_EQ(ids(must(TouchedLog::open(folder.string(), 0))), (Ids{"a:1", "b:2", "c:3"}));
}

TEST(TouchedLog, ReadsUpToTheFirstTornOrDamagedRow) {
  std::string bytes;
  append_touched_row(bytes, row(1, "a"));
  const std::size_t first = bytes.size();
  append_touched_row(bytes, row(2, std::string("b\0c", 3)));
  const std::size_t second = bytes.size();
  append_touched_row(bytes, row(3, "d"));
  EXPECT_EQ(parse_touched_rows(bytes).size(), 3U);
  EXPECT_EQ(parse_touched_rows(bytes)[1].key.id, std::string("b\0c", 3));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::size_t whole = size < first ? 0 : size < second ? 1 : 2;
    EXPECT_EQ(parse_touched_rows(std::string_view(bytes).substr(0, size)).size(), whole) << size;
  }
  for (std::size_t at = first; at < second; ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    EXPECT_EQ(parse_touched_rows(damaged).size(), 1U) << at;
  }
}

TEST(TouchedLog, TornTailOnDiskIsNoError) {
  TemporaryFolder folder;
  std::string bytes;
  append_touched_row(bytes, row(1, "a"));
  std::ofstream(folder / "touched.log", std::ios::binary) << bytes << bytes.substr(0, 9);
  EXPECT_EQ(ids(must(TouchedLog::open(folder.string(), 0))), (Ids{"a:1"}));
}

// No write goes beyond `bytes` of a file meanwhile: write(2) fails with EFBIG, as it does with
// ENOSPC where the disk is full.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    const rlimit limit{bytes, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  ~FileSizeLimit() {
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &before_), 0);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  sighandler_t handler_;
};

TEST(TouchedLog, FailedAppendIsNotHiddenByALaterRotation) {
  TemporaryFolder folder;
  {
    TouchedLog log = must(TouchedLog::open(folder.string(), 0));
    must(log.append({row(1, "a")}));
    {
      const FileSizeLimit full(40);
      EXPECT_FALSE(log.append({row(2, "b"), row(3, "c")}));
      must(log.append({row(4, "d")}));  // not tried
    }
    must(log.rotate());
    must(log.append({row(5, "e")}));
  }
  for (int opening = 0; opening < 2; ++opening) {  // the mark goes where the leftover rows go
    const TouchedLog log = must(TouchedLog::open(folder.string(), 0));
    EXPECT_EQ(ids(log), (Ids{"a:1", "e:5"}));
    EXPECT_EQ(log.first_missing(), 2U);
  }
  const TouchedLog folded = must(TouchedLog::open(folder.string(), 4));
  EXPECT_EQ(folded.first_missing(), std::nullopt);
}

TEST(TouchedLog, UnmarkedGapEndsTheLog) {
  TemporaryFolder folder;
  {
    TouchedLog log = must(TouchedLog::open(folder.string(), 0));
    must(log.append({row(1, "a")}));
    const FileSizeLimit full(0);
    EXPECT_FALSE(log.append({row(2, "b")}));
    must(log.rotate());
    must(log.append({row(3, "c")}));
  }
  const TouchedLog log = must(TouchedLog::open(folder.string(), 0));
  EXPECT_EQ(ids(log), (Ids{"a:1"}));
}

}  // namespace
}  // namespace jcn
