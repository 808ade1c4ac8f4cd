#include "history.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "encoding.h"
#include "generation.h"
#include "history.h"
#include "index_lives.h"
#include "index_model.h"
#include "index_opening.h"
#include "jcn/index_writer.h"
#include "jcn/verify.h"
#include "keys.h"
#include "lmdb_env.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

namespace fs = std::filesystem;

TEST(History, CopiedIndexGetsANewUuid) {
  TemporaryFolder folder;
  {
    auto writer = open_writer(folder / "index");
    must(writer->publish(one("a", "{\"kept\":1}")));
    must(writer->fold());
  }
  fs::copy(folder / "index", folder / "copy", fs::copy_options::recursive);
  auto writer = open_writer(folder / "index");
  auto copy = open_writer(folder / "copy");
  EXPECT_NE(must(writer->snapshot()).uuid(), must(copy->snapshot()).uuid());
  EXPECT_EQ(must(must(copy->snapshot()).record({"videos", "a"}))->document, "{\"kept\":1}");
  copy.reset();
  const std::string uuid = must(open_writer(folder / "copy")->snapshot()).uuid();
  EXPECT_EQ(must(open_writer(folder / "copy")->snapshot()).uuid(), uuid);
}

TEST(History, UntouchedIndexKeepsItsUuidOverEveryKindOfEnd) {
  TemporaryFolder folder;
  const std::string uuid = live_once(folder, "a");
  EXPECT_EQ(live_once(folder, "b"), uuid);
  in_killed_process([&] {
    auto writer = open_writer(folder / "index");
    must(writer->publish(one("c", "{}")));
    writer.release();
  });
  EXPECT_EQ(uuid_now(folder), uuid);
  EXPECT_EQ(uuid_now(folder), uuid);
}

TEST(History, RestoredDataOverTheSameInodeGetsANewUuid) {
  for (const bool killed : {false, true}) {
    SCOPED_TRACE(killed);
    TemporaryFolder folder;
    const std::string uuid = live_once(folder, "a");
    const std::string data = data_file(folder), backup = (folder / "backup").string();
    overwrite(data, backup);
    EXPECT_EQ(live_once(folder, "b"), uuid);
    if (killed) {
      in_killed_process([&] { open_writer(folder / "index").release(); });
    }
    const std::uint64_t inode = must(data_facts(data)).inode;
    overwrite(backup, data);
    ASSERT_EQ(must(data_facts(data)).inode, inode);
    EXPECT_NE(uuid_now(folder), uuid);
  }
}

TEST(History, BackupOfARunningIndexRestoredAfterACleanEndGetsANewUuid) {
  TemporaryFolder folder;
  std::string uuid, data;
  const std::string backup = (folder / "backup").string();
  {
    auto writer = open_writer(folder / "index");
    uuid = must(writer->snapshot()).uuid();
    data = data_file(folder);
    overwrite(data, backup);
    must(writer->publish(one("a", "{}")));
    must(writer->fold());
  }
  at_another_time(data, [&] { overwrite(backup, data); });
  EXPECT_NE(uuid_now(folder), uuid);
}

// As cp -a over the files that are there, history included: every inode stays.
TEST(History, RestoredFolderOverTheSameInodesGetsANewUuid) {
  for (const bool killed : {false, true}) {
    SCOPED_TRACE(killed);
    TemporaryFolder folder;
    const std::string uuid = live_once(folder, "a");
    const std::string data = data_file(folder), history = (folder / "index/history").string();
    overwrite(data, folder / "data backup");
    overwrite(history, folder / "history backup");
    EXPECT_EQ(live_once(folder, "b"), uuid);
    if (killed) {
      in_killed_process([&] { open_writer(folder / "index").release(); });
    }
    overwrite(folder / "data backup", data);
    overwrite(folder / "history backup", history);
    EXPECT_NE(uuid_now(folder), uuid);
  }
}

TEST(History, LostHistoryGetsANewUuid) {
  TemporaryFolder folder;
  const std::string uuid = live_once(folder, "a");
  fs::remove(folder / "index/history");
  const std::string second = uuid_now(folder);
  EXPECT_NE(second, uuid);
  EXPECT_EQ(uuid_now(folder), second);
  folder.write("index/history", "torn");
  EXPECT_NE(uuid_now(folder), second);
}

// The opening's commit was made, its history not yet written.
TEST(History, KillBetweenTheTokensKeepsTheUuid) {
  TemporaryFolder folder;
  const std::string uuid = live_once(folder, "a");
  const std::string history = (folder / "index/history").string();
  fs::rename(history, folder / "kept");  // the same file: inode and birth stay
  fs::create_hard_link(folder / "kept", history);
  in_killed_process([&] { open_writer(folder / "index").release(); });
  fs::rename(folder / "kept", history);
  EXPECT_EQ(uuid_now(folder), uuid);
}

TEST(History, DataDamagedAfterACleanEndIsSetAsideAtStart) {
  TemporaryFolder folder;
  fold_twenty_files(folder);
  const std::string data = data_file(folder);
  // Only a walk of the table finds this.
  const std::string bytes = with_another_file_name(data);
  at_another_time(data, [&] { std::ofstream(data, std::ios::binary) << bytes; });
  auto writer = open_writer(folder / "index");
  EXPECT_NE(writer->rebuilt_because().find("changed after"), std::string::npos)
      << writer->rebuilt_because();
  EXPECT_TRUE(fs::exists(folder / "index" / "gen-000001.damaged"));
  EXPECT_EQ(must(writer->snapshot()).counts().fragments, 0U);
}

// Pages of zeros, and pages of noise, behind the two that LMDB looks at when it opens: walking them
// ends in abort(3) or a signal.
TEST(History, DamageThatKillsItsReaderIsSetAsideAtStart) {
  for (const char fill : {'\0', '\x7f', '\xff'}) {
    SCOPED_TRACE(static_cast<int>(fill));
    TemporaryFolder folder;
    live_once(folder, "a");
    const std::string data = data_file(folder);
    std::string bytes;
    {
      std::ifstream in(data, std::ios::binary);
      bytes.assign(std::istreambuf_iterator<char>(in), {});
    }
    ASSERT_GT(bytes.size(), 8192U);
    std::fill(bytes.begin() + 8192, bytes.end(), fill);
    at_another_time(data, [&] { std::ofstream(data, std::ios::binary) << bytes; });
    auto writer = open_writer(folder / "index");
    EXPECT_NE(writer->rebuilt_because(), "");
    EXPECT_TRUE(fs::exists(folder / "index" / "gen-000001.damaged"));
    must(writer->publish(one("a", "{}")));
    must(writer->fold());
  }
}

TEST(History, TouchedButWholeDataIsTakenAsItIs) {
  TemporaryFolder folder;
  live_once(folder, "a");
  const std::string data = data_file(folder);
  fs::last_write_time(data, fs::last_write_time(data) + std::chrono::hours(1));
  auto writer = open_writer(folder / "index");
  EXPECT_EQ(writer->rebuilt_because(), "");
  EXPECT_TRUE(must(must(writer->snapshot()).record({"videos", "a"})));
}

// FAULTS 22. What was found may have been the memory's fault, and be gone.
TEST(History, MarkedDamagedIsExaminedAtTheNextOpening) {
  for (const bool damage : {false, true}) {
    SCOPED_TRACE(damage);
    TemporaryFolder folder;
    std::string data;
    {
      auto writer = open_writer(folder / "index");
      data = data_file(folder);
      must(writer->publish(one("a", "{}")));
      must(writer->fold());
      must(writer->mark_damaged());
      EXPECT_TRUE(must(must(writer->snapshot()).record({"videos", "a"})));
    }
    const std::string mark = (fs::path(data).parent_path() / damage_mark).string();
    EXPECT_TRUE(fs::exists(mark));
    int examined = 0;
    WriterOptions options = small_index();
    options.examine = [&](const std::string& index) {
      ++examined;
      return damage ? Result<IndexHealth>(broken_health("by order")) : examine_index(index);
    };
    auto writer = must(IndexWriter::open(folder / "index", options));
    EXPECT_EQ(examined, 1);
    EXPECT_EQ(writer->rebuilt(), damage ? Rebuilt::anew : Rebuilt::no);
    EXPECT_EQ(writer->rebuilt_because().find("in use") != std::string::npos, damage);
    EXPECT_EQ(fs::exists(folder / "index" / "gen-000001.damaged"), damage);
    EXPECT_FALSE(fs::exists(mark));
    writer.reset();
    EXPECT_EQ(open_writer(folder / "index")->rebuilt_because(), "");
  }
}

// What speaks against an index, and what does not: kill -9 alone is no evidence.
TEST(History, ExaminedWhenSomethingSpeaksAgainstIt) {
  TemporaryFolder folder;
  live_once(folder, "a");
  const std::string index = folder / "index";
  int examined = 0;
  WriterOptions options = small_index();
  options.examine = [&](const std::string& examined_folder) {
    ++examined;
    return examine_index(examined_folder);
  };
  const auto open = [&] {
    examined = 0;
    EXPECT_EQ(must(IndexWriter::open(index, options))->rebuilt(), Rebuilt::no);
    return examined;
  };
  const auto kill = [&] {
    in_killed_process([&] {
      auto writer = open_writer(index);
      must(writer->publish(one("b", "{}")));
      must(writer->fold());
      writer.release();
    });
  };
  EXPECT_EQ(open(), 0) << "an orderly end";
  kill();
  EXPECT_EQ(open(), 0) << "kill -9";

  std::ofstream(crash_mark(index)) << "11";
  EXPECT_EQ(open(), 1) << "a crash";
  EXPECT_EQ(open(), 0) << "the crash was looked into";

  const auto touch = [&] {
    const std::string data = data_file(folder);
    fs::last_write_time(data, fs::last_write_time(data) + std::chrono::hours(1));
  };
  touch();
  EXPECT_EQ(open(), 1) << "touched after an orderly end";
  kill();
  touch();
  EXPECT_EQ(open(), 1) << "touched after kill -9";

  const std::string path = index + "/history";
  // The machine's life, which stands last, as another one would have left it.
  const auto change_boot = [&](const std::function<void(std::string & bytes)>& change) {
    const History left = *must(read_history(index));
    EXPECT_EQ(left.boot, boot_id());
    std::string bytes;
    {
      std::ifstream in(path, std::ios::binary);
      bytes.assign(std::istreambuf_iterator<char>(in), {});
    }
    bytes.resize(bytes.size() - seal_bytes);
    ASSERT_TRUE(bytes.ends_with(left.boot));
    change(bytes);
    seal(bytes);
    std::ofstream(path, std::ios::binary) << bytes;
  };
  kill();
  change_boot([](std::string& bytes) { bytes.back() = bytes.back() == '0' ? '1' : '0'; });
  EXPECT_EQ(open(), 1) << "the machine was restarted";
  EXPECT_EQ(open(), 0) << "after an orderly end it may have been";
  kill();
  change_boot([](std::string& bytes) {
    bytes.resize(bytes.size() - boot_id().size());
    bytes.back() = 0;  // the length
  });
  EXPECT_EQ(open(), 1) << "the system does not tell its lives apart";

  fs::remove(path);
  EXPECT_EQ(open(), 1) << "nothing is known";
}

// FAULTS 22. Somebody else's write in between two commits is not hidden by the second.
TEST(History, TouchedWhileItIsInUseIsTold) {
  TemporaryFolder folder;
  live_once(folder, "a");
  const std::string data = data_file(folder);
  const auto touch = [&] {
    at_another_time(data, [&] {
      fs::last_write_time(data, fs::last_write_time(data) + std::chrono::hours(1));
    });
  };
  auto writer = open_writer(folder / "index");
  EXPECT_FALSE(writer->touched_by_others());
  must(writer->publish(one("b", "{}")));
  must(writer->fold());
  EXPECT_FALSE(writer->touched_by_others());
  touch();
  EXPECT_TRUE(writer->touched_by_others());
  EXPECT_FALSE(writer->touched_by_others()) << "told already";
  touch();
  must(writer->publish(one("c", "{}")));
  must(writer->fold());
  EXPECT_TRUE(writer->touched_by_others());
  touch();
  writer.reset();
  int examined = 0;
  WriterOptions options = small_index();
  options.examine = [&](const std::string& index) {
    ++examined;
    return examine_index(index);
  };
  must(IndexWriter::open(folder / "index", options));
  EXPECT_EQ(examined, 1) << "nobody has looked into it";
}

// FAULTS 24. Since every commit is noted, a copy of the time before the last one is told after a
// kill, too.
TEST(History, BackupOfARunningIndexRestoredAfterAKillGetsANewUuid) {
  TemporaryFolder folder;
  const std::string uuid = live_once(folder, "a");
  const std::string data = data_file(folder), backup = (folder / "backup").string();
  in_killed_process([&] {
    auto writer = open_writer(folder / "index");
    overwrite(data, backup);
    must(writer->publish(one("b", "{}")));
    must(writer->fold());
    writer.release();
  });
  const std::uint64_t inode = must(data_facts(data)).inode;
  overwrite(backup, data);
  ASSERT_EQ(must(data_facts(data)).inode, inode);
  EXPECT_NE(uuid_now(folder), uuid);
}

// FAULTS 22. Flipped bits are no other history.
TEST(History, TouchedAfterAnOrderlyEndKeepsItsUuid) {
  TemporaryFolder folder;
  const std::string uuid = live_once(folder, "a");
  const std::string data = data_file(folder);
  fs::last_write_time(data, fs::last_write_time(data) + std::chrono::hours(1));
  EXPECT_EQ(uuid_now(folder), uuid);
}

}  // namespace
}  // namespace jcn
