#include "merge.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
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

TEST(Merge, MergesKeepTheLivingAndDropTheDead) {
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

TEST(Merge, LargeFoldsTrainADictionaryAndMergesKeepItsFrames) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  IndexModel model;
  std::string about;
  for (int i = 0; i < 10; ++i) about += "A talk about what talks are about, in some detail. ";
  const auto batch_of = [&](int round) {
    Batch batch;
    for (int i = 0; i < 1500; ++i) {
      const std::string id = "talk-" + std::to_string(round * 10'000 + i);
      const std::string document =
          "{\"title\":\"Talk " + hash128(id).hex() + "\",\"description\":\"" + about + "\"," +
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

// What an orderly end does to a merge that would take long.
TEST(Merge, BrokenOffAtAnyPointItLeavesEverythingAsItWas) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  IndexModel model;
  for (int round = 0; round < 8; ++round) {
    Batch batch;
    for (int i = 0; i < 300; ++i) {
      const std::string id = "talk-" + std::to_string(i * 8 + round);
      batch.records[{"videos", id}] = record_of("videos", id, "{\"n\":" + std::to_string(i) + "}");
    }
    model.apply(batch);
    must(writer->publish(batch));
    must(writer->fold());
  }
  int asked = 0, last = 0;
  const auto asks = [&](int allowed) {
    asked = 0;
    return must(writer->merge([&] { return ++asked <= allowed; }));
  };
  for (int allowed = 0; !asks(allowed); ++allowed) {
    ASSERT_EQ(asked, allowed + 1) << "nothing goes on once it was told not to";
    last = asked;
    model.expect_equal(must(writer->snapshot()));
  }
  EXPECT_GT(last, 5);  // blocks of every section, and the ids
  model.expect_equal(must(writer->snapshot()));
  writer.reset();
  writer = open_writer(folder / "index");
  EXPECT_EQ(writer->rebuilt_because(), "");
  model.expect_equal(must(writer->snapshot()));
  EXPECT_EQ(must(verify_index(folder / "index")).records, 2400U);
}

// What a merge has committed before it failed goes with the next one: it would fill the disk.
TEST(Merge, WhatAFailedOneHasWrittenIsErased) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  IndexModel model;
  std::mt19937_64 random(7);
  for (int round = 0; round < 8; ++round) {
    Batch batch;
    for (int i = 0; i < 12; ++i) {
      std::string noise(500'000, ' ');
      for (char& c : noise) c = static_cast<char>('!' + random() % 90);
      std::erase_if(noise, [](char c) { return c == '"' || c == '\\'; });
      const std::string id = std::to_string(round) + '-' + std::to_string(i);
      batch.records[{"videos", id}] = record_of("videos", id, "{\"n\":\"" + noise + "\"}");
    }
    model.apply(batch);
    must(writer->publish(batch));
    must(writer->fold());
  }
  const std::uint64_t before = must(verify_index(folder / "index")).blocks;
  // One page holds at most one document: beyond 32 MiB, some have been committed.
  int blocks = 0;
  EXPECT_FALSE(must(writer->merge([&] { return ++blocks < 90; })));
  const std::uint64_t left = must(verify_index(folder / "index")).blocks;
  EXPECT_GT(left, before + 50) << "nothing was committed: there is nothing to see";
  EXPECT_FALSE(must(writer->merge([] { return false; })));
  EXPECT_EQ(must(verify_index(folder / "index")).blocks, before);
  EXPECT_TRUE(must(writer->merge()));
  model.expect_equal(must(writer->snapshot()));
  EXPECT_LE(must(verify_index(folder / "index")).blocks, before);
}

TEST(Merge, UnfinishedMergeIsRemovedAtOpen) {
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
  // Head, documents, keys, outline, values and columns of the one that is whole.
  EXPECT_EQ(must(verify_index(folder / "index")).blocks, 6U);
  EXPECT_TRUE(must(must(writer->snapshot()).record({"videos", "a"})));
}

}  // namespace
}  // namespace jcn
