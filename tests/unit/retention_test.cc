#include "retention.h"

#include <gtest/gtest.h>

#include "generation.h"
#include "horizon.h"
#include "index_lives.h"
#include "index_model.h"
#include "jcn/changes.h"
#include "jcn/verify.h"
#include "keys.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

class Retention : public ::testing::Test {
 protected:
  void open(std::uint64_t kept) {
    WriterOptions options = small_index();
    options.tombstones_kept = kept;
    writer_ = must(IndexWriter::open(folder_ / "index", options));
  }
  void put(const std::string& id) { must(writer_->publish(one(id, "{}"))); }
  void remove(const std::string& id) {
    Batch batch;
    batch.records[{"videos", id}] = std::nullopt;
    must(writer_->publish(std::move(batch)));
  }
  // "seq id", tombstones with a minus.
  std::vector<std::string> changes() {
    std::vector<std::string> found;
    must(for_each_change(must(writer_->snapshot()), 0, [&](const Change& change) {
      found.push_back(std::to_string(change.seq) + (change.deleted ? " -" : " ") + change.key.id);
      return true;
    }));
    return found;
  }
  bool continues(const FeedPlace& place) {
    return must(feed_horizon(must(writer_->snapshot()), place)).continues;
  }
  std::shared_ptr<LmdbEnv> env() {
    const std::string index = folder_ / "index";
    EnvOptions options;
    options.read_only = false;
    return must(LmdbEnv::open(index + "/" + *must(read_current(index)), options));
  }
  HorizonRow horizon() { return must(read_horizon(must(env()->begin_read()))); }

  using Rows = std::vector<std::string>;
  TemporaryFolder folder_;
  std::unique_ptr<IndexWriter> writer_;
};

TEST_F(Retention, FoldsKeepTheNewestTombstones) {
  open(2);
  for (const char* id : {"a", "b", "c", "d"}) put(id);
  for (const char* id : {"a", "b", "c"}) remove(id);  // 5, 6, 7
  EXPECT_EQ(changes(), (Rows{"4 d", "5 -a", "6 -b", "7 -c"})) << "fresh ones are all there";
  must(writer_->fold());
  EXPECT_EQ(changes(), (Rows{"4 d", "6 -b", "7 -c"}));
  EXPECT_EQ(horizon().pruned, 5U);
  EXPECT_FALSE(continues({4, 0})) << "it may still have a";
  EXPECT_TRUE(continues({5, 0}));
  EXPECT_TRUE(continues({0, 0})) << "it has nothing";
  EXPECT_TRUE(continues({4, 7})) << "it began behind the tombstone";
  EXPECT_FALSE(continues({3, 4}));
  EXPECT_TRUE(must(verify_index(folder_ / "index")).entries > 0);
}

TEST_F(Retention, AnIndexThatIsWrittenAnewForgetsNothingOfIt) {
  open(2);
  for (const char* id : {"a", "b", "c"}) put(id);
  for (const char* id : {"a", "b", "c"}) remove(id);  // 4, 5, 6
  must(writer_->fold());
  for (const bool merge : {true, false}) {
    RewriteWish wish;
    wish.merge = merge;
    must(writer_->rewrite(must(examine_index(folder_ / "index")), wish));
    EXPECT_EQ(changes(), (Rows{"5 -b", "6 -c"}));
    EXPECT_EQ(horizon().pruned, 4U);
    EXPECT_FALSE(continues({3, 0})) << "it may still have a";
    EXPECT_TRUE(continues({4, 0}));
  }
}

TEST_F(Retention, WhatCameBackIsNotPruned) {
  open(0);
  put("a");
  remove("a");
  must(writer_->fold());
  put("a");
  put("b");
  must(writer_->fold());
  EXPECT_EQ(changes(), (Rows{"3 a", "4 b"}));
  remove("b");
  must(writer_->fold());
  EXPECT_EQ(changes(), (Rows{"3 a"}));
  EXPECT_EQ(horizon().pruned, 5U);
}

TEST_F(Retention, NothingIsLetGoOfBelowTheLimit) {
  open(3);
  for (const char* id : {"a", "b", "c"}) put(id);
  for (const char* id : {"a", "b", "c"}) remove(id);
  must(writer_->fold());
  EXPECT_EQ(changes().size(), 3U);
  EXPECT_EQ(horizon().pruned, 0U);
  EXPECT_TRUE(continues({1, 0}));
}

// The tombstones of a large index lie behind many changes that stay.
TEST_F(Retention, LongSearchesGoOnWithTheNextFold) {
  open(1);
  Batch many;
  for (std::uint64_t i = 0; i < most_changes_looked_at + 10; ++i) {
    const std::string id = "r" + std::to_string(i);
    many.records[{"videos", id}] = record_of("videos", id, "{}");
  }
  const std::uint64_t last = many.records.size();
  must(writer_->publish(std::move(many)));
  remove("r1");
  remove("r2");
  must(writer_->fold());
  EXPECT_EQ(horizon().pruned, 0U);
  EXPECT_GE(horizon().searched, most_changes_looked_at);
  EXPECT_TRUE(continues({1, 0}));
  put("r1000000");
  must(writer_->fold());
  EXPECT_EQ(horizon().pruned, last + 1);
  EXPECT_FALSE(continues({1, 0}));
}

TEST_F(Retention, LostStretchesAreForgottenOldestFirst) {
  open(0);
  WriteTxn txn = must(env()->begin_write());
  for (std::uint64_t i = 1; i <= most_lost_stretches + 2; ++i) {
    must(remember_lost(txn, i * 100, i * 100 + 50));
  }
  const std::vector<LostStretch> kept = must(lost_stretches(txn));
  ASSERT_EQ(kept.size(), most_lost_stretches);
  EXPECT_EQ(kept.front().after, 300U);
  EXPECT_EQ(must(read_horizon(txn)).pruned, 251U) << "250 was one of the lost";
}

}  // namespace
}  // namespace jcn
