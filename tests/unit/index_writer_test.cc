#include "jcn/index_writer.h"

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
#include "index_model.h"
#include "index_opening.h"
#include "jcn/verify.h"
#include "keys.h"
#include "lmdb_env.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

namespace fs = std::filesystem;

Batch one(const std::string& id, const std::string& document) {
  Batch batch;
  batch.records[{"videos", id}] = record_of("videos", id, document);
  return batch;
}

// Runs `work` in a process of its own that ends without any destructor, as kill -9 would end it.
template <class Work>
void in_killed_process(Work work) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    work();
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

std::string data_file(const TemporaryFolder& folder) {
  const auto current = read_current(folder / "index");
  EXPECT_TRUE(current.ok() && current->has_value());
  return (folder / "index" / **current / "data.mdb").string();
}

std::int64_t ctime_of(const std::string& path) {
  return must(data_facts(path)).ctime_ns;
}

// Does `work` until the file's ctime has moved on: the kernel's clock for it ticks every few
// milliseconds, which no change made by hand would hit.
template <class Work>
void at_another_time(const std::string& path, Work work) {
  const std::int64_t before = ctime_of(path);
  do {
    work();
  } while (ctime_of(path) == before);
}

// One orderly life that publishes one record; the uuid it showed.
std::string live_once(const TemporaryFolder& folder, const std::string& id) {
  auto writer = open_writer(folder / "index");
  EXPECT_EQ(writer->rebuilt_because(), "");
  must(writer->publish(one(id, "{}")));
  must(writer->fold());
  return must(writer->snapshot()).uuid();
}

std::string uuid_now(const TemporaryFolder& folder) {
  auto writer = open_writer(folder / "index");
  EXPECT_EQ(writer->rebuilt_because(), "");
  return must(writer->snapshot()).uuid();
}

void overwrite(const std::string& from, const std::string& to) {
  std::ifstream in(from, std::ios::binary);
  std::ofstream(to, std::ios::binary | std::ios::trunc) << in.rdbuf();  // keeps the inode
}

TEST(IndexWriter, GivesNumbersAndKeepsThemOverACleanEnd) {
  TemporaryFolder folder;
  std::string uuid;
  {
    auto writer = open_writer(folder / "index");
    EXPECT_EQ(writer->seq(), 0U);
    EXPECT_EQ(writer->rebuilt_because(), "");
    EXPECT_EQ(must(writer->publish(one("a", "{}"))), 1U);
    EXPECT_EQ(must(writer->publish(one("a", "{\"x\":1}"))), 2U);
    Batch gone;
    gone.records[{"videos", "a"}] = std::nullopt;
    EXPECT_EQ(must(writer->publish(gone)), 3U);
    EXPECT_EQ(writer->fresh().records, 3U);
    EXPECT_GT(writer->fresh().bytes, 0U);
    const FoldReport report = must(writer->fold());
    EXPECT_EQ(report.seq, 3U);
    EXPECT_EQ(report.segments, 0U);
    EXPECT_TRUE(writer->fresh().empty());
    uuid = must(writer->snapshot()).uuid();
    EXPECT_EQ(uuid.size(), 36U);
    EXPECT_EQ(uuid[14], '4');
  }
  auto writer = open_writer(folder / "index");
  EXPECT_EQ(writer->seq(), 3U);
  EXPECT_TRUE(writer->recovered().empty());
  EXPECT_EQ(must(writer->snapshot()).uuid(), uuid);
}

TEST(IndexWriter, SecondWriterIsRefused) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  const auto second = IndexWriter::open(folder / "index", small_index());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::index_in_use);
  writer.reset();
  EXPECT_TRUE(IndexWriter::open(folder / "index", small_index()));
}

TEST(IndexWriter, KilledAfterPublishingLosesNothingFoldedAndNamesTheRest) {
  TemporaryFolder folder;
  IndexModel folded;
  for (int i = 0; i < 50; ++i) folded.apply(one("id" + std::to_string(i), "{\"old\":true}"));
  in_killed_process([&] {
    auto writer = open_writer(folder / "index");
    for (int i = 0; i < 50; ++i) {
      must(writer->publish(one("id" + std::to_string(i), "{\"old\":true}")));
    }
    must(writer->fold());
    must(writer->publish(one("id7", "{\"new\":true}")));
    Batch gone;
    gone.records[{"videos", "id9"}] = std::nullopt;
    gone.records[{"videos", "never"}] = std::nullopt;
    must(writer->publish(gone));
    writer.release();
  });
  auto writer = open_writer(folder / "index");
  EXPECT_EQ(writer->rebuilt_because(), "");
  EXPECT_EQ(writer->recovered(),
            (std::vector<RecordKey>{{"videos", "id7"}, {"videos", "id9"}, {"videos", "never"}}));
  EXPECT_EQ(writer->seq(), reserved_block);  // beyond everything that may have been shown
  folded.seq = writer->seq();
  folded.expect_equal(must(writer->snapshot()));

  // Announced, but killed once more before recovery is finished and after a fold: still named.
  writer.reset();
  in_killed_process([&] {
    auto again = open_writer(folder / "index");
    EXPECT_EQ(again->recovered().size(), 3U);
    must(again->publish(one("id7", "{\"announced\":1}")));
    must(again->fold());
    again.release();
  });
  writer = open_writer(folder / "index");
  EXPECT_EQ(writer->recovered().size(), 3U);
  const std::uint64_t before = writer->seq();
  EXPECT_GT(before, 2 * reserved_block - 1);
  Batch announcement;
  for (const RecordKey& key : writer->recovered()) {
    announcement.records[key] = must(must(writer->snapshot()).record(key));
  }
  EXPECT_EQ(must(writer->publish(announcement)), before + 3);
  EXPECT_EQ(must(must(writer->snapshot()).record({"videos", "id7"}))->seq, before + 1);
  writer->finish_recovery();
  EXPECT_TRUE(writer->recovered().empty());
  must(writer->fold());
  writer.reset();
  writer = open_writer(folder / "index");
  EXPECT_TRUE(writer->recovered().empty());
  EXPECT_EQ(writer->seq(), before + 3);
}

TEST(IndexWriter, DroppedWithoutAFoldIsNoCleanEnd) {
  TemporaryFolder folder;
  open_writer(folder / "index").reset();
  {
    auto writer = open_writer(folder / "index");
    must(writer->publish(one("a", "{}")));
  }
  auto writer = open_writer(folder / "index");
  EXPECT_EQ(writer->recovered(), (std::vector<RecordKey>{{"videos", "a"}}));
  EXPECT_EQ(writer->seq(), reserved_block);
  EXPECT_FALSE(must(must(writer->snapshot()).record({"videos", "a"})));
}

TEST(IndexWriter, NumbersAreNeverGivenTwiceOverManyKills) {
  TemporaryFolder folder;
  std::uint64_t last = 0;
  for (int life = 0; life < 4; ++life) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    in_killed_process([&] {
      auto writer = open_writer(folder / "index");
      EXPECT_GE(writer->seq(), last);
      // More than a block, so that reserving ahead and on the spot both happen.
      for (int batches = 0; batches < 7; ++batches) {
        Batch batch;
        for (int i = 0; i < 12'000; ++i) {
          const std::string id = std::to_string(i);
          batch.records[{"videos", id}] = std::nullopt;
        }
        must(writer->publish(batch));
        if (life % 2 == 1 && batches == 3) must(writer->fold());
      }
      const std::uint64_t head = writer->seq();
      EXPECT_EQ(::write(ends[1], &head, sizeof head), static_cast<ssize_t>(sizeof head));
      writer.release();
    });
    std::uint64_t head = 0;
    ASSERT_EQ(::read(ends[0], &head, sizeof head), static_cast<ssize_t>(sizeof head));
    ::close(ends[0]);
    ::close(ends[1]);
    EXPECT_GT(head, last);
    last = head;
    auto writer = open_writer(folder / "index");
    EXPECT_GE(writer->seq(), head);
  }
}

// kill -9 at random moments of publishing, folding and merging. Each batch writes its number into
// all records; the child tells the numbers that were visible.
TEST(IndexWriter, KilledAnywhereItHoldsAWholeStateAndNamesTheRest) {
  TemporaryFolder folder;
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr int records = 20;
  struct Shown {
    std::uint64_t seq;
    int number;
  };
  int number = 0, unfolded = 0;
  for (int round = 0; round < 20; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto writer = open_writer(folder / "index");
      writer->finish_recovery();
      std::atomic<bool> stop = false;
      std::thread folding([&] {
        while (!stop) {
          must(writer->fold());
          must(writer->merge());
        }
      });
      for (int next = number + 1;; ++next) {
        Batch batch;
        for (int i = 0; i < records; ++i) {
          const std::string id = "id" + std::to_string(i);
          batch.records[{"videos", id}] = record_of("videos", id, std::to_string(next));
        }
        const Shown shown{must(writer->publish(batch)), next};
        if (::write(ends[1], &shown, sizeof shown) != sizeof shown) ::_exit(1);
      }
    }
    ::close(ends[1]);
    Shown last{0, 0}, shown{0, 0};
    ASSERT_EQ(::read(ends[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
    const int more = static_cast<int>(random() % 60);
    for (int i = 0; i < more; ++i) {
      ASSERT_EQ(::read(ends[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
    }
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    while (::read(ends[0], &shown, sizeof shown) == sizeof shown) last = shown;
    ::close(ends[0]);

    must(verify_index(folder / "index"));
    auto writer = open_writer(folder / "index");
    EXPECT_EQ(writer->rebuilt_because(), "");
    EXPECT_GE(writer->seq(), last.seq);
    std::set<std::string> seen;
    must(must(writer->snapshot()).for_each_record([&](const Record& record) {
      seen.insert(record.document);
      return true;
    }));
    EXPECT_LE(seen.size(), 1U);
    const int held = seen.empty() ? 0 : std::stoi(*seen.begin());
    if (held < last.number) {
      ++unfolded;
      EXPECT_EQ(writer->recovered().size(), static_cast<std::size_t>(records));
    }
    number = std::max(held, last.number);
  }
  EXPECT_GT(unfolded, 0);
}

TEST(IndexWriter, GarbageIsSetAsideAndBegunAnew) {
  TemporaryFolder folder;
  std::string uuid;
  {
    auto writer = open_writer(folder / "index");
    must(writer->publish(one("a", "{}")));
    must(writer->fold());
    uuid = must(writer->snapshot()).uuid();
  }
  std::ofstream(data_file(folder), std::ios::binary) << std::string(100'000, 'g');
  auto writer = open_writer(folder / "index");
  EXPECT_NE(writer->rebuilt_because(), "");
  EXPECT_TRUE(fs::exists(folder / "index" / "gen-000001.damaged"));
  EXPECT_TRUE(fs::exists(folder / "index" / "gen-000002"));
  EXPECT_NE(must(writer->snapshot()).uuid(), uuid);
  EXPECT_FALSE(must(must(writer->snapshot()).record({"videos", "a"})));
  must(writer->publish(one("a", "{}")));
  must(writer->fold());
}

TEST(IndexWriter, MissingEmptyAndTruncatedDataIsBegunAnew) {
  for (const int way : {0, 1, 2, 3, 4}) {
    SCOPED_TRACE(way);
    TemporaryFolder folder;
    {
      auto writer = open_writer(folder / "index");
      Batch batch;
      for (int i = 0; i < 500; ++i) {
        const std::string id = std::to_string(i);
        batch.records[{"videos", id}] =
            record_of("videos", id, "{\"n\":\"" + hash128(id).hex() + "\"}");
      }
      must(writer->publish(batch));
      must(writer->fold());
    }
    const std::string data = data_file(folder);
    if (way == 0) fs::remove(data);
    if (way == 1) fs::resize_file(data, 0);
    if (way == 2) fs::resize_file(data, fs::file_size(data) / 2);
    if (way == 3) fs::remove_all(fs::path(data).parent_path());
    if (way == 4) std::ofstream(folder / "index" / "CURRENT") << "nonsense";
    auto writer = open_writer(folder / "index");
    EXPECT_NE(writer->rebuilt_because(), "");
    EXPECT_EQ(writer->seq(), 0U);
    must(writer->publish(one("a", "{}")));
    must(writer->fold());
    writer.reset();
    writer = open_writer(folder / "index");
    EXPECT_EQ(writer->rebuilt_because(), "");
    EXPECT_TRUE(must(must(writer->snapshot()).record({"videos", "a"})));
  }
}

TEST(IndexWriter, ForeignFormatIsSetAsideAndReadersSaySo) {
  TemporaryFolder folder;
  open_writer(folder / "index").reset();
  {
    EnvOptions options;
    options.read_only = false;
    const auto env =
        must(LmdbEnv::open(fs::path(data_file(folder)).parent_path().string(), options));
    WriteTxn txn = must(env->begin_write());
    IdentityRow identity;
    identity.format = format_version + 1;
    must(txn.put(Table::meta, meta_identity, encode_identity(identity)));
    must(txn.commit());
  }
  const auto reader = IndexReader::open(folder / "index");
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Code::index_format);
  auto writer = open_writer(folder / "index");
  EXPECT_NE(writer->rebuilt_because().find("format 2"), std::string::npos)
      << writer->rebuilt_because();
}

TEST(IndexWriter, FlippedBitInADocumentIsDamageNotACrash) {
  TemporaryFolder folder;
  {
    auto writer = open_writer(folder / "index");
    Batch batch;
    for (int i = 0; i < 200; ++i) {
      const std::string id = std::to_string(i);
      // Incompressible, so that the text stands in the file as it is.
      batch.records[{"videos", id}] = record_of("videos", id, hash128(id).hex());
    }
    must(writer->publish(batch));
    must(writer->fold());
  }
  must(verify_index(folder / "index"));
  const std::string data = data_file(folder);
  std::string bytes;
  {
    std::ifstream in(data, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  const std::size_t at = bytes.find("77.json");
  ASSERT_NE(at, std::string::npos);
  {
    std::fstream out(data, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(at));
    out.put('8');
  }
  const auto verified = verify_index(folder / "index");
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, Code::index_damaged);
  WriterOptions options = small_index();
  options.verify_changed = false;
  auto writer = must(IndexWriter::open(folder / "index", options));
  const auto record = must(writer->snapshot()).record({"videos", "77"});
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().code, Code::index_damaged);
}

TEST(IndexWriter, VerifyFindsAnEntryThatChangedBehindItsBack) {
  TemporaryFolder folder;
  {
    auto writer = open_writer(folder / "index");
    Batch batch;
    for (int i = 0; i < 20; ++i) {
      batch.files[{"r", "some file " + std::to_string(i)}] = file_row_of(1);
    }
    must(writer->publish(batch));
    must(writer->fold());
  }
  must(verify_index(folder / "index"));
  // File rows have no checksum of their own: only the table's sum can tell.
  const std::string data = data_file(folder);
  std::string bytes;
  {
    std::ifstream in(data, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  for (std::size_t at = 0; (at = bytes.find("some file 7", at)) != std::string::npos; ++at) {
    bytes[at + 10] = 'x';
  }
  std::ofstream(data, std::ios::binary) << bytes;
  const auto verified = verify_index(folder / "index");
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, Code::index_damaged);
}

TEST(IndexWriter, CopiedIndexGetsANewUuid) {
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

TEST(IndexWriter, UntouchedIndexKeepsItsUuidOverEveryKindOfEnd) {
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

TEST(IndexWriter, RestoredDataOverTheSameInodeGetsANewUuid) {
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

TEST(IndexWriter, BackupOfARunningIndexRestoredAfterACleanEndGetsANewUuid) {
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
TEST(IndexWriter, RestoredFolderOverTheSameInodesGetsANewUuid) {
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

TEST(IndexWriter, LostHistoryGetsANewUuid) {
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
TEST(IndexWriter, KillBetweenTheTokensKeepsTheUuid) {
  TemporaryFolder folder;
  const std::string uuid = live_once(folder, "a");
  const std::string history = (folder / "index/history").string();
  fs::rename(history, folder / "kept");  // the same file: inode and birth stay
  fs::create_hard_link(folder / "kept", history);
  in_killed_process([&] { open_writer(folder / "index").release(); });
  fs::rename(folder / "kept", history);
  EXPECT_EQ(uuid_now(folder), uuid);
}

TEST(IndexWriter, DataDamagedAfterACleanEndIsSetAsideAtStart) {
  TemporaryFolder folder;
  {
    auto writer = open_writer(folder / "index");
    Batch batch;
    for (int i = 0; i < 20; ++i) {
      batch.files[{"r", "some file " + std::to_string(i)}] = file_row_of(1);
    }
    must(writer->publish(batch));
    must(writer->fold());
  }
  const std::string data = data_file(folder);
  std::string bytes;
  {
    std::ifstream in(data, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  // Only a walk of the table finds this.
  for (std::size_t at = 0; (at = bytes.find("some file 7", at)) != std::string::npos; ++at) {
    bytes[at + 10] = 'x';
  }
  at_another_time(data, [&] { std::ofstream(data, std::ios::binary) << bytes; });
  auto writer = open_writer(folder / "index");
  EXPECT_NE(writer->rebuilt_because().find("changed after"), std::string::npos)
      << writer->rebuilt_because();
  EXPECT_TRUE(fs::exists(folder / "index" / "gen-000001.damaged"));
  EXPECT_EQ(must(writer->snapshot()).counts().fragments, 0U);
}

// Pages of zeros, and pages of noise, behind the two that LMDB looks at when it opens: walking them
// ends in abort(3) or a signal.
TEST(IndexWriter, DamageThatKillsItsReaderIsSetAsideAtStart) {
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

TEST(IndexWriter, TouchedButWholeDataIsTakenAsItIs) {
  TemporaryFolder folder;
  live_once(folder, "a");
  const std::string data = data_file(folder);
  fs::last_write_time(data, fs::last_write_time(data) + std::chrono::hours(1));
  auto writer = open_writer(folder / "index");
  EXPECT_EQ(writer->rebuilt_because(), "");
  EXPECT_TRUE(must(must(writer->snapshot()).record({"videos", "a"})));
}

TEST(IndexWriter, MarkedDamagedIsSetAsideAtTheNextOpening) {
  TemporaryFolder folder;
  {
    auto writer = open_writer(folder / "index");
    must(writer->publish(one("a", "{}")));
    must(writer->fold());
    must(writer->mark_damaged());
    EXPECT_TRUE(must(must(writer->snapshot()).record({"videos", "a"})));
  }
  auto writer = open_writer(folder / "index");
  EXPECT_NE(writer->rebuilt_because().find("in use"), std::string::npos);
  EXPECT_TRUE(fs::exists(folder / "index" / "gen-000001.damaged"));
  EXPECT_FALSE(must(must(writer->snapshot()).record({"videos", "a"})));
  writer.reset();
  EXPECT_EQ(open_writer(folder / "index")->rebuilt_because(), "");
}

TEST(IndexWriter, NumbersMissingFromTheLogAreALostStretch) {
  TemporaryFolder folder;
  in_killed_process([&] {
    auto writer = open_writer(folder / "index");
    must(writer->publish(one("a", "{}")));
    writer.release();
  });
  const fs::path generation = fs::path(data_file(folder)).parent_path();
  std::string bytes;
  append_touched_row(bytes, {2, {}});  // the mark of a failed append
  append_touched_row(bytes, {9, {"videos", "b"}});
  std::ofstream(generation / "touched.log", std::ios::binary | std::ios::app) << bytes;
  auto writer = open_writer(folder / "index");
  EXPECT_EQ(writer->recovered(), (std::vector<RecordKey>{{"videos", "a"}, {"videos", "b"}}));
  const auto env = must(LmdbEnv::open(generation.string(), EnvOptions{}));
  const ReadTxn txn = must(env->begin_read());
  const auto lost = must(txn.get(Table::meta, meta_lost_key(1)));
  ASSERT_TRUE(lost);
  EXPECT_EQ(decode_number(*lost), reserved_block);
}

TEST(IndexWriter, FreshIndexBeginsAnotherGeneration) {
  TemporaryFolder folder;
  {
    auto writer = open_writer(folder / "index");
    must(writer->publish(one("a", "{}")));
    must(writer->fold());
  }
  WriterOptions options = small_index();
  options.fresh_index = true;
  auto writer = must(IndexWriter::open(folder / "index", options));
  EXPECT_NE(writer->rebuilt_because(), "");
  EXPECT_FALSE(must(must(writer->snapshot()).record({"videos", "a"})));
  EXPECT_FALSE(fs::exists(folder / "index" / "gen-000001"));
}

TEST(IndexWriter, FullMapKeepsEverythingVisibleAndIsTriedAgain) {
  TemporaryFolder folder;
  WriterOptions options = small_index();
  options.map_bytes = 1 << 19;
  IndexModel model;
  {
    auto writer = must(IndexWriter::open(folder / "index", options));
    for (int round = 0; round < 3; ++round) {
      Batch batch;
      for (int i = 0; i < 4000; ++i) {
        const std::string id = std::to_string(round) + "-" + std::to_string(i);
        batch.records[{"videos", id}] =
            record_of("videos", id, hash128(id).hex() + hash128(id + "x").hex());
      }
      model.apply(batch);
      must(writer->publish(batch));
      const auto folded = writer->fold();
      ASSERT_FALSE(folded);
      EXPECT_EQ(folded.error().code, Code::index_full);
      model.expect_equal(must(writer->snapshot()));
    }
    EXPECT_EQ(writer->fresh().records, 12'000U);
  }
  auto writer = open_writer(folder / "index");  // with a larger map
  EXPECT_EQ(writer->recovered().size(), 12'000U);
}

TEST(IndexWriter, PublishWaitsForRoomAndTellsWhenAFoldFails) {
  TemporaryFolder folder;
  WriterOptions options = small_index();
  options.fresh_limit_bytes = 10'000;
  auto writer = must(IndexWriter::open(folder / "index", options));
  must(writer->publish(one("a", std::string(20'000, '1'))));
  std::thread folding([&] { must(writer->fold()); });
  EXPECT_TRUE(writer->publish(one("b", "{}")));  // returns only because of the fold
  folding.join();
  EXPECT_TRUE(must(must(writer->snapshot()).record({"videos", "b"})));
}

TEST(IndexWriter, MergesKeepTheLivingAndDropTheDead) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  IndexModel model;
  int merges = 0;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 3; ++i) {
      const Batch batch = one("id" + std::to_string((round * 7 + i) % 30), std::to_string(round));
      model.apply(batch);
      must(writer->publish(batch));
    }
    must(writer->fold());
    while (must(writer->merge())) ++merges;
  }
  EXPECT_GE(merges, 4);
  model.expect_equal(must(writer->snapshot()));
  const VerifyReport report = must(verify_index(folder / "index"));
  EXPECT_EQ(report.records, 30U);
  EXPECT_LE(report.blocks, 3U * 16);  // 40 segments would have 120
}

TEST(IndexWriter, LargeFoldsTrainADictionaryAndMergesKeepItsFrames) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  IndexModel model;
  const auto batch_of = [](int round) {
    Batch batch;
    for (int i = 0; i < 1500; ++i) {
      const std::string id = "talk-" + std::to_string(round * 10'000 + i);
      const std::string document =
          "{\"title\":\"Talk " + hash128(id).hex() +
          "\",\"description\":\"A talk about the things that talks are about, in some detail\"," +
          "\"recorded\":\"2026-01-02\",\"speakers\":[\"Speaker " + std::to_string(i % 37) +
          "\"],\"tags\":[\"python\",\"conference\"],\"duration\":" + std::to_string(i) + "}";
      batch.records[{"videos", id}] = record_of("videos", id, document);
    }
    return batch;
  };
  must(writer->publish(one("before the dictionary", "{}")));
  must(writer->fold());
  model.apply(one("before the dictionary", "{}"));
  std::uint64_t raw = 0;
  for (int round = 0; round < 9; ++round) {
    const Batch batch = batch_of(round);
    for (const auto& [key, record] : batch.records) raw += record->document.size();
    model.apply(batch);
    must(writer->publish(batch));
    must(writer->fold());
  }
  EXPECT_TRUE(must(writer->merge()));
  model.expect_equal(must(writer->snapshot()));
  writer.reset();
  writer = open_writer(folder / "index");
  model.expect_equal(must(writer->snapshot()));
  EXPECT_LT(must(verify_index(folder / "index")).bytes, raw);
}

TEST(IndexWriter, UnfinishedMergeIsRemovedAtOpen) {
  TemporaryFolder folder;
  {
    auto writer = open_writer(folder / "index");
    must(writer->publish(one("a", "{}")));
    must(writer->fold());
  }
  const std::string generation = fs::path(data_file(folder)).parent_path().string();
  {
    EnvOptions options;
    options.read_only = false;
    const auto env = must(LmdbEnv::open(generation, options));
    WriteTxn txn = must(env->begin_write());
    std::string block(1000, 'b');
    seal(block);
    must(txn.append(Table::segments, segment_key(77, 2, 0), block));
    must(txn.commit());
  }
  auto writer = open_writer(folder / "index");
  EXPECT_EQ(writer->rebuilt_because(), "");
  EXPECT_EQ(must(verify_index(folder / "index")).blocks, 3U);
  EXPECT_TRUE(must(must(writer->snapshot()).record({"videos", "a"})));
}

}  // namespace
}  // namespace jcn
