#include "touched_log.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace jcn
