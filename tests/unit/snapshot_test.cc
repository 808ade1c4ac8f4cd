// The index through its public face, beside a model of it.
#include "jcn/snapshot.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "index_lives.h"
#include "index_model.h"
#include "jcn/verify.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

std::uint32_t chosen_seed() {
  if (const char* seed = std::getenv("JCN_SEED"))
    return static_cast<std::uint32_t>(std::stoul(seed));
  return std::random_device{}();
}

TEST(Snapshot, EqualsItsModelThroughFoldsMergesAndReopening) {
  for (int round = 0; round < 6; ++round) {
    const std::uint32_t seed = chosen_seed() + static_cast<std::uint32_t>(round);
    SCOPED_TRACE("JCN_SEED=" + std::to_string(seed));
    std::cout << "seed " << seed << '\n';
    TemporaryFolder folder;
    auto writer = open_writer(folder / "index");
    RandomBatches random(seed);
    IndexModel model;
    for (int step = 0; step < 150; ++step) {
      const Batch batch = random.next();
      model.apply(batch);
      EXPECT_EQ(must(writer->publish(batch)), model.seq);
      if (random.below(6) == 0) must(writer->fold());
      if (random.below(8) == 0) must(writer->merge());
      if (random.below(40) == 0) {
        must(writer->fold());
        writer.reset();
        writer = open_writer(folder / "index");
        EXPECT_EQ(writer->seq(), model.seq);
        EXPECT_TRUE(writer->recovered().empty());
      }
      if (step % 15 == 0) model.expect_equal(must(writer->snapshot()));
    }
    model.expect_equal(must(writer->snapshot()));
    must(writer->fold());
    model.expect_equal(must(writer->snapshot()));
    model.expect_equal(must(must(IndexReader::open(folder / "index")).snapshot()));
    EXPECT_EQ(must(verify_index(folder / "index")).records, model.records.size());
    if (HasFailure()) break;
  }
}

TEST(Snapshot, AfterIdWalksFromTheNextOne) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  Batch batch;
  for (const char* id : {"a", "ab", "b"}) {
    batch.records[{"videos", id}] = record_of("videos", id, "{}");
  }
  batch.records[{"videos-x", "a"}] = record_of("videos-x", "a", "{}");
  must(writer->publish(batch));
  for (int folded = 0; folded < 2; ++folded) {
    const Snapshot snapshot = must(writer->snapshot());
    std::vector<std::string> ids;
    const auto collect = [&](const Record& record) {
      ids.push_back(record.key.id);
      return true;
    };
    must(snapshot.for_each_record({"videos", "a"}, collect));
    EXPECT_EQ(ids, (std::vector<std::string>{"ab", "b"}));
    ids.clear();
    must(snapshot.for_each_record({"videos", ""}, collect));
    EXPECT_EQ(ids, (std::vector<std::string>{"a", "ab", "b"}));
    ids.clear();
    must(snapshot.for_each_record({"videos", "a"}, [&](const Record& record) {
      ids.push_back(record.key.id);
      return false;
    }));
    EXPECT_EQ(ids, (std::vector<std::string>{"ab"}));
    must(writer->fold());
  }
}

TEST(Snapshot, FilesGoOnAfterAPath) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  Batch batch;
  const std::string deep =
      std::string(200, 'x') + '/' + std::string(200, 'y') + '/' + std::string(200, 'z');
  const std::vector<std::string> paths = {"a.json",        "b.json",        deep + "1.json",
                                          deep + "2.json", deep + "3.json", "z.json"};
  for (std::size_t i = 0; i < paths.size(); ++i) batch.files[{"r", paths[i]}] = file_row_of(i);
  must(writer->publish(batch));
  for (int folded = 0; folded < 2; ++folded) {
    const Snapshot snapshot = must(writer->snapshot());
    std::vector<std::string> all;
    must(snapshot.for_each_file("r", "", "", false, [&](const std::string& path, const FileRow&) {
      all.push_back(path);
      return true;
    }));
    EXPECT_EQ(all.size(), paths.size());
    // Every path continues the same walk, cut keys too.
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::vector<std::string> rest;
      must(snapshot.for_each_file("r", "", all[i], false,
                                  [&](const std::string& path, const FileRow&) {
                                    rest.push_back(path);
                                    return true;
                                  }));
      EXPECT_EQ(rest, std::vector<std::string>(all.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                               all.end()));
    }
    must(writer->fold());
  }
}

TEST(Snapshot, StaysAsItWasWhileTheIndexGoesOn) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  RandomBatches random(7);
  std::vector<std::pair<Snapshot, IndexModel>> kept;
  IndexModel model;
  for (int step = 0; step < 60; ++step) {
    const Batch batch = random.next();
    model.apply(batch);
    must(writer->publish(batch));
    if (step % 10 == 0) kept.emplace_back(must(writer->snapshot()), model);
    if (step % 4 == 0) must(writer->fold());
    must(writer->merge());
  }
  writer.reset();
  for (const auto& [snapshot, then] : kept) then.expect_equal(snapshot);
}

// Every batch writes its number into all records of a group. A reader that sees two numbers in one
// group, a number that went back, or counts that don't fit has seen half a state.
TEST(Snapshot, ReadersSeeWholeStatesWhileWritersPublishFoldAndMerge) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  constexpr int records = 24;
  const auto batch_of = [](int number) {
    Batch batch;
    for (int i = 0; i < records; ++i) {
      const std::string id = "r" + std::to_string(i);
      batch.records[{"videos", id}] = record_of("videos", id, std::to_string(number));
    }
    // One more record comes and goes.
    batch.records[{"videos", "s"}] =
        number % 2 ? std::optional(record_of("videos", "s", std::to_string(number))) : std::nullopt;
    batch.files[{"main", "f"}] = file_row_of(static_cast<std::uint64_t>(number));
    return batch;
  };
  must(writer->publish(batch_of(0)));
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (int number = 1; number < 1500; ++number) must(writer->publish(batch_of(number)));
    stop = true;
  });
  threads.emplace_back([&] {
    while (!stop) {
      must(writer->fold());
      must(writer->merge());
    }
  });
  std::atomic<int> looks = 0;
  for (int reader = 0; reader < 2; ++reader) {
    threads.emplace_back([&] {
      std::uint64_t last_seq = 0;
      while (!stop) {
        const Snapshot snapshot = must(writer->snapshot());
        EXPECT_GE(snapshot.seq(), last_seq);
        last_seq = snapshot.seq();
        std::set<std::string> seen;
        std::uint64_t count = 0, largest = 0;
        must(snapshot.for_each_record([&](const Record& record) {
          seen.insert(record.document);
          largest = std::max(largest, record.seq);
          ++count;
          return true;
        }));
        EXPECT_EQ(seen.size(), 1U);
        EXPECT_EQ(snapshot.counts().records.at("videos"), count);
        const int number = std::stoi(*seen.begin());
        EXPECT_EQ(count, static_cast<std::uint64_t>(records + number % 2));
        EXPECT_EQ(must(snapshot.file({"main", "f"}))->facts.size,
                  static_cast<std::uint64_t>(number));
        EXPECT_EQ(must(snapshot.record({"videos", "r3"}))->document, *seen.begin());
        ++looks;
        if (::testing::Test::HasFailure()) break;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(looks, 10);
  must(writer->fold());
  must(verify_index(folder / "index"));
}

TEST(Snapshot, ReaderWithoutAnIndexSaysSo) {
  TemporaryFolder folder;
  const auto reader = IndexReader::open(folder.string());
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Code::index_unreadable);
}

TEST(Snapshot, AllSlotsTakenIsAnError) {
  TemporaryFolder folder;
  WriterOptions options = small_index();
  options.max_readers = 4;
  auto writer = must(IndexWriter::open(folder / "index", options));
  std::vector<Snapshot> kept;
  std::optional<Error> error;
  while (!error && kept.size() < 1000) {
    auto snapshot = writer->snapshot();
    if (snapshot) {
      kept.push_back(std::move(snapshot).value());
    } else {
      error = snapshot.error();
    }
  }
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::readers_exhausted);
  kept.clear();
  EXPECT_TRUE(writer->snapshot());
}

// FAULTS 19.
TEST(Snapshot, SlotsOfTheDeadAreTakenWhenThereAreNoOthers) {
  TemporaryFolder folder;
  WriterOptions options = small_index();
  options.max_readers = 4;
  auto writer = must(IndexWriter::open(folder / "index", options));
  const std::string count = (folder / "count").string();
  in_killed_process([&] {
    const IndexReader reader = must(IndexReader::open(folder / "index"));
    auto* const kept = new std::vector<Snapshot>;  // never given back
    Result<Snapshot> snapshot = reader.snapshot();
    for (; snapshot; snapshot = reader.snapshot()) kept->push_back(std::move(snapshot).value());
    EXPECT_EQ(snapshot.error().code, Code::readers_exhausted);
    std::ofstream(count) << kept->size();
  });
  std::size_t taken = 0;
  std::ifstream(count) >> taken;
  ASSERT_GE(taken, 2u);
  std::vector<Snapshot> kept;
  for (std::size_t i = 0; i < taken; ++i) kept.push_back(must(writer->snapshot()));
}

}  // namespace
}  // namespace jcn
