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

TEST(IndexWriter, TellsHowFarTheOldestReaderIsBehind) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  auto change = [&, n = 0]() mutable {
    must(writer->publish(one("a", "{\"n\":" + std::to_string(++n) + "}")));
    must(writer->fold());
  };
  change();
  // The writer itself keeps the newest state open for those who will ask.
  const std::uint64_t own = must(writer->readers()).count;
  {
    const Snapshot old = must(writer->snapshot());
    for (int i = 0; i < 3; ++i) change();
    EXPECT_EQ(must(writer->readers()).count, own + 1);
    EXPECT_GE(must(writer->readers()).oldest_behind, 3U);
  }
  change();
  EXPECT_EQ(must(writer->readers()).count, own);
  EXPECT_LE(must(writer->readers()).oldest_behind, 1U);
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
  EXPECT_EQ(writer->seq(), reserved_block + 1);  // beyond everything that may have been given
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
  EXPECT_EQ(writer->seq(), reserved_block + 1);
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
  for (const int way : {0, 1, 2, 3}) {
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

// The history names the generation as well.
TEST(IndexWriter, GarbageInCurrentLosesNothing) {
  TemporaryFolder folder;
  const std::string uuid = live_once(folder, "a");
  std::ofstream(folder / "index" / "CURRENT") << "nonsense";
  auto writer = open_writer(folder / "index");
  EXPECT_EQ(writer->rebuilt(), Rebuilt::no);
  EXPECT_EQ(must(writer->snapshot()).uuid(), uuid);
  EXPECT_TRUE(must(must(writer->snapshot()).record({"videos", "a"})));
  writer.reset();
  fs::remove(folder / "index" / "history");
  std::ofstream(folder / "index" / "CURRENT") << "nonsense";
  writer = open_writer(folder / "index");
  EXPECT_EQ(writer->rebuilt(), Rebuilt::anew);
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
  EXPECT_NE(writer->rebuilt_because().find("format " + std::to_string(format_version)),
            std::string::npos)
      << writer->rebuilt_because();
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

Batch round_of_records(int round) {
  Batch batch;
  for (int i = 0; i < 4000; ++i) {
    const std::string id = std::to_string(round) + "-" + std::to_string(i);
    batch.records[{"videos", id}] =
        record_of("videos", id, hash128(id).hex() + hash128(id + "x").hex());
  }
  return batch;
}

WriterOptions tiny_map() {
  WriterOptions options = small_index();
  options.map_bytes = 1 << 19;
  return options;
}

// FAULTS 18.
TEST(IndexWriter, FullMapIsMadeLargerAndNobodyNotices) {
  TemporaryFolder folder;
  IndexModel model;
  {
    auto writer = must(IndexWriter::open(folder / "index", tiny_map()));
    model.apply(round_of_records(0));
    must(writer->publish(round_of_records(0)));
    std::atomic<bool> over{false};
    std::atomic<int> reads{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([&] {
        while (!over) {
          const Snapshot snapshot = must(writer->snapshot());
          const auto record = must(snapshot.record({"videos", "0-17"}));
          EXPECT_TRUE(record && !record->document.empty());
          ++reads;
        }
      });
    }
    must(writer->fold());
    for (int round = 1; round < 4; ++round) {
      model.apply(round_of_records(round));
      must(writer->publish(round_of_records(round)));
      must(writer->fold());
      while (must(writer->merge())) {
      }
    }
    EXPECT_GT(writer->index_bytes(), 4U << 19);
    const int seen = reads;
    while (reads == seen) {
    }
    over = true;
    for (std::thread& reader : readers) reader.join();
    model.expect_equal(must(writer->snapshot()));
  }
  must(verify_index(folder / "index"));
  auto writer = must(IndexWriter::open(folder / "index", tiny_map()));
  EXPECT_EQ(writer->rebuilt(), Rebuilt::no);
  model.expect_equal(must(writer->snapshot()));
  must(writer->publish(round_of_records(5)));
  must(writer->fold());
}

// FAULTS 18. A merge that finds no room leaves it to the next one.
TEST(IndexWriter, AMergeThatFindsTheMapFullMakesItLarger) {
  TemporaryFolder folder;
  IndexModel model;
  auto writer = must(IndexWriter::open(folder / "index", tiny_map()));
  // How often the map must have been doubled by now: the file lies within it.
  const auto doubled = [&folder] {
    const std::uint64_t size = std::filesystem::file_size(data_file(folder));
    int times = 0;
    for (std::uint64_t map = tiny_map().map_bytes; map < size; map *= 2) ++times;
    return times;
  };
  int full = 0;
  for (int round = 0; round < 64; ++round) {
    Batch batch;
    for (int i = 0; i < 500; ++i) {
      const std::string id = std::to_string(round) + "-" + std::to_string(i);
      batch.records[{"videos", id}] = record_of("videos", id, hash128(id).hex());
    }
    model.apply(batch);
    must(writer->publish(std::move(batch)));
    must(writer->fold());
    for (bool more = true; more;) {
      const int before = doubled();
      more = must(writer->merge());
      full += doubled() - before;
    }
  }
  EXPECT_GT(full, 0) << "no merge found it full";
  model.expect_equal(must(writer->snapshot()));
}

// FAULTS 18. A reader that stays is in the way for as long as it stays, and for nobody else.
TEST(IndexWriter, FullMapWaitsForAReaderAndKeepsEverythingVisible) {
  TemporaryFolder folder;
  IndexModel model;
  auto writer = must(IndexWriter::open(folder / "index", tiny_map()));
  {
    const Snapshot staying = must(writer->snapshot());
    for (int round = 0; round < 2; ++round) {
      model.apply(round_of_records(round));
      must(writer->publish(round_of_records(round)));
      const auto folded = writer->fold();
      ASSERT_FALSE(folded);
      EXPECT_EQ(folded.error().code, Code::index_full);
      model.expect_equal(must(writer->snapshot()));
    }
    EXPECT_EQ(writer->fresh().records, 8'000U);
    EXPECT_EQ(staying.seq(), 0U);
  }
  must(writer->fold());
  EXPECT_EQ(writer->fresh().records, 0U);
  model.expect_equal(must(writer->snapshot()));
}

// FAULTS 18. Another process, which has the smaller map.
TEST(IndexWriter, ReadersElsewhereTakeTheLargerMap) {
  TemporaryFolder folder;
  open_writer(folder / "index").reset();
  int to_reader[2], to_writer[2];
  ASSERT_EQ(::pipe(to_reader), 0);
  ASSERT_EQ(::pipe(to_writer), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  char byte = 0;
  if (child == 0) {
    auto writer = must(IndexWriter::open(folder / "index", tiny_map()));
    must(writer->publish(round_of_records(0)));
    bool good = ::write(to_reader[1], "a", 1) == 1 && ::read(to_writer[0], &byte, 1) == 1;
    good = good && writer->fold().ok();
    good = good && ::write(to_reader[1], "b", 1) == 1 && ::read(to_writer[0], &byte, 1) == 1;
    ::_exit(good ? 0 : 1);
  }
  ASSERT_EQ(::read(to_reader[0], &byte, 1), 1);
  {
    const IndexReader reader = must(IndexReader::open(folder / "index"));
    EXPECT_FALSE(must(must(reader.snapshot()).record({"videos", "0-1"})));
    ASSERT_EQ(::write(to_writer[1], "c", 1), 1);
    ASSERT_EQ(::read(to_reader[0], &byte, 1), 1);
    EXPECT_TRUE(must(must(reader.snapshot()).record({"videos", "0-1"})));
  }
  ASSERT_EQ(::write(to_writer[1], "d", 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
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

}  // namespace
}  // namespace jcn
