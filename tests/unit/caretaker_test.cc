#include "caretaker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "index_lives.h"
#include "index_model.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::size_t segments_table = 7, files_table = 4;  // doc/format.md: Tables

class CaretakerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    writer_ = open_writer(folder_ / "index");
    Batch batch;
    for (int i = 0; i < 50; ++i) {
      const std::string id = std::to_string(i);
      batch.records[{"videos", id}] = record_of("videos", id, "{\"n\":" + id + "}");
    }
    must(writer_->publish(std::move(batch)));
    must(writer_->fold());
    uuid_ = must(writer_->snapshot()).uuid();
    health_.format = 2;
  }
  void TearDown() override {
    if (caretaker_) caretaker_->stop();
  }

  void start(milliseconds scrub_interval, bool incomplete = false) {
    caretaker_ = std::make_unique<Caretaker>(
        Caretaker::Surroundings{
            *writer_,
            [this](bool idle, const std::function<bool()>& stopped) -> Result<IndexHealth> {
              ++examined_;
              idle_ = idle;
              while (hold_) {
                if (stopped()) return Error{Code::not_ready, "stopped"};
                std::this_thread::yield();
              }
              const IndexHealth found = health_;
              health_ = IndexHealth{};  // a repair has its effect
              return found;
            },
            nullptr,
            [this] {
              ++pauses_;
              return true;
            },
            [this] { ++resumes_; },
            [this](bool read_all, bool reopened, std::function<void()> done) {
              read_all_ = read_all;
              reopened_ = reopened;
              crawl_done_ = std::move(done);
              ++crawls_;
            },
            scrub_interval},
        incomplete);
  }

  // Waits for it; polled, for there is nothing else to wait for from outside.
  template <class Condition>
  ::testing::AssertionResult comes_true(Condition condition) {
    const auto until = steady_clock::now() + seconds(30);
    while (!condition()) {
      if (steady_clock::now() > until) return ::testing::AssertionFailure() << "not within 30 s";
      std::this_thread::sleep_for(milliseconds(1));
    }
    return ::testing::AssertionSuccess();
  }
  bool idle() { return caretaker_->upkeep().state == "idle"; }
  void damage(std::size_t table, const char* what) {
    health_.state[table] = IndexHealth::State::differs;
    health_.findings = {what};
  }
  std::string generation() {
    for (const auto& entry : fs::directory_iterator(folder_ / "index")) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("gen-") && !name.ends_with(".damaged")) return name;
    }
    return {};
  }

  TemporaryFolder folder_;
  std::unique_ptr<IndexWriter> writer_;
  std::string uuid_;
  IndexHealth health_;  // the next examination's; the caretaker's thread's once it was told to go
  std::atomic<int> examined_{0}, pauses_{0}, resumes_{0}, crawls_{0};
  std::atomic<bool> idle_{false}, hold_{false}, read_all_{false}, reopened_{false};
  std::function<void()> crawl_done_;
  std::unique_ptr<Caretaker> caretaker_;
};

TEST_F(CaretakerTest, ScrubsAtItsIntervalAfterTheFirstCrawl) {
  start(milliseconds(1));
  EXPECT_EQ(examined_, 0) << "not before the first crawl is done";
  caretaker_->crawled();
  ASSERT_TRUE(comes_true([&] { return caretaker_->upkeep().scrubs >= 2; }));
  EXPECT_TRUE(idle_);
  EXPECT_GT(caretaker_->upkeep().last_scrub_ns, 0);
  EXPECT_EQ(caretaker_->upkeep().damage_found, 0U);
  EXPECT_TRUE(caretaker_->answering());
}

// FAULTS 22.
TEST_F(CaretakerTest, DamagedBlocksAreRepairedBesideWhileAnswersGoOn) {
  damage(segments_table, "a block");
  start(milliseconds(0));
  caretaker_->crawled();
  const auto answering = caretaker_->answering();
  ASSERT_TRUE(answering);
  caretaker_->failed({Code::index_damaged, "a block", ""});
  ASSERT_TRUE(comes_true([&] { return caretaker_->upkeep().rewrites == 1 && idle(); }));
  EXPECT_EQ(caretaker_->answering(), answering);
  EXPECT_EQ(caretaker_->upkeep().damage_found, 1U);
  EXPECT_FALSE(idle_) << "it is urgent";
  EXPECT_EQ(pauses_, 0);
  EXPECT_EQ(generation(), "gen-000002");
  EXPECT_TRUE(fs::exists(folder_ / "index" / "gen-000001.damaged"));
  EXPECT_EQ(must(writer_->snapshot()).uuid(), uuid_);
  EXPECT_TRUE(must(must(writer_->snapshot()).record({"videos", "7"})));
}

// FAULTS 22.
TEST_F(CaretakerTest, WhatAScrubFindsIsRepairedToo) {
  damage(segments_table, "a block");
  start(milliseconds(1));
  caretaker_->crawled();
  ASSERT_TRUE(comes_true([&] { return caretaker_->upkeep().rewrites == 1 && idle(); }));
  EXPECT_TRUE(idle_) << "nothing had spoken against it";
  EXPECT_EQ(caretaker_->upkeep().damage_found, 1U);
  EXPECT_EQ(generation(), "gen-000002");
}

// FAULTS 22. Rows have no checksums: what they say may be wrong.
TEST_F(CaretakerTest, DamagedRowsEndAnswersUntilTheFilesWereGoneOver) {
  damage(files_table, "table files");
  start(milliseconds(0));
  caretaker_->crawled();
  const auto answering = caretaker_->answering();
  caretaker_->failed({Code::index_damaged, "a row", ""});
  ASSERT_TRUE(comes_true([&] { return crawls_ == 1; }));
  EXPECT_FALSE(caretaker_->answering());
  EXPECT_EQ(caretaker_->upkeep().state, "rebuilding");
  ASSERT_EQ(caretaker_->reasons().size(), 1U);
  EXPECT_EQ(caretaker_->reasons()[0].code, "index_incomplete");
  EXPECT_TRUE(reopened_);
  EXPECT_EQ(pauses_, 1);
  EXPECT_EQ(resumes_, 1);
  EXPECT_TRUE(must(must(writer_->snapshot()).record({"videos", "7"})));
  crawl_done_();
  ASSERT_TRUE(comes_true([&] { return caretaker_->answering().has_value(); }));
  EXPECT_NE(caretaker_->answering(), answering) << "who was in the middle is told";
  ASSERT_TRUE(comes_true([&] { return idle(); }));
  EXPECT_TRUE(caretaker_->reasons().empty());
}

TEST_F(CaretakerTest, CompactAndReindexOneAtATime) {
  start(milliseconds(0));
  EXPECT_EQ(caretaker_->ask(UpkeepWork::compact).error().code, Code::not_ready);
  caretaker_->crawled();
  EXPECT_EQ(must(caretaker_->ask(UpkeepWork::compact)), 1U);
  ASSERT_TRUE(comes_true([&] { return caretaker_->upkeep().finished == 1 && idle(); }));
  EXPECT_EQ(generation(), "gen-000002");
  EXPECT_EQ(must(caretaker_->ask(UpkeepWork::reindex)), 2U);
  ASSERT_TRUE(comes_true([&] { return crawls_ == 1; }));
  EXPECT_TRUE(read_all_);
  EXPECT_FALSE(reopened_);
  EXPECT_EQ(caretaker_->ask(UpkeepWork::compact).error().code, Code::overloaded);
  crawl_done_();
  ASSERT_TRUE(comes_true([&] { return caretaker_->upkeep().finished == 2 && idle(); }));
  EXPECT_EQ(generation(), "gen-000003");
  EXPECT_EQ(caretaker_->upkeep().failure, "");
  EXPECT_EQ(caretaker_->upkeep().rewrites, 2U);
}

TEST_F(CaretakerTest, AWornIndexIsCompactedByItself) {
  start(milliseconds(0));
  const int version = wear_out(*writer_);
  caretaker_->crawled();
  ASSERT_TRUE(comes_true([&] { return caretaker_->upkeep().rewrites == 1 && idle(); }));
  EXPECT_FALSE(writer_->worn());
  EXPECT_EQ(generation(), "gen-000002");
  EXPECT_EQ(caretaker_->upkeep().asked, 0U) << "by nobody";
  EXPECT_EQ(caretaker_->upkeep().finished, 0U);
  EXPECT_EQ(examined_, 1);
  EXPECT_TRUE(idle_) << "nobody waits for it";
  EXPECT_EQ(must(writer_->snapshot()).uuid(), uuid_);
  EXPECT_EQ(must(must(writer_->snapshot()).record({"videos", "7"}))->document,
            heavy_records(version).records.at({"videos", "7"})->document);
  EXPECT_EQ(must(caretaker_->ask(UpkeepWork::compact)), 1U);
  ASSERT_TRUE(comes_true([&] { return caretaker_->upkeep().finished == 1 && idle(); }));
}

// FAULTS 22. A rewrite believes rows, and would make their sums anew.
TEST_F(CaretakerTest, DamageInAWornIndexIsSeenBeforeItIsCompacted) {
  damage(files_table, "table files");
  start(milliseconds(0));
  wear_out(*writer_);
  caretaker_->crawled();
  ASSERT_TRUE(comes_true([&] { return crawls_ == 1; }));
  EXPECT_TRUE(reopened_);
  EXPECT_EQ(caretaker_->upkeep().damage_found, 1U);
  EXPECT_FALSE(caretaker_->answering());
  crawl_done_();
  ASSERT_TRUE(comes_true([&] { return caretaker_->answering().has_value(); }));
}

// What somebody asks for meanwhile is not refused.
TEST_F(CaretakerTest, AskedForWhileItTidiesUp) {
  hold_ = true;
  start(milliseconds(0));
  wear_out(*writer_);
  caretaker_->crawled();
  ASSERT_TRUE(comes_true([&] { return examined_ == 1; }));
  EXPECT_EQ(must(caretaker_->ask(UpkeepWork::compact)), 1U);
  EXPECT_EQ(caretaker_->ask(UpkeepWork::compact).error().code, Code::overloaded);
  hold_ = false;
  ASSERT_TRUE(comes_true([&] { return caretaker_->upkeep().finished == 1 && idle(); }));
  EXPECT_EQ(caretaker_->upkeep().rewrites, 2U);
}

TEST_F(CaretakerTest, AScrubIsBrokenOffForWhatIsAsked) {
  hold_ = true;
  start(milliseconds(1));
  caretaker_->crawled();
  ASSERT_TRUE(comes_true([&] { return examined_ == 1; }));
  EXPECT_EQ(must(caretaker_->ask(UpkeepWork::compact)), 1U);
  ASSERT_TRUE(comes_true([&] { return caretaker_->upkeep().finished == 1; }));
  EXPECT_EQ(caretaker_->upkeep().scrubs, 0U);
  hold_ = false;
  ASSERT_TRUE(comes_true([&] { return caretaker_->upkeep().scrubs > 0; })) << "it is still due";
}

TEST_F(CaretakerTest, OnlyDamageIsLookedIntoAndFalseAlarmsNotForEver) {
  start(milliseconds(0));
  caretaker_->crawled();
  caretaker_->failed({Code::query_timeout, "late", ""});
  caretaker_->failed({Code::index_damaged, "somewhere", ""});
  // Found whole all the same: it is written anew once, and then left alone for a while.
  ASSERT_TRUE(comes_true([&] { return examined_ == 1 && generation() == "gen-000002" && idle(); }));
  for (int i = 0; i < 100; ++i) caretaker_->failed({Code::index_damaged, "somewhere", ""});
  EXPECT_EQ(must(caretaker_->ask(UpkeepWork::compact)), 1U);  // would come behind it
  ASSERT_TRUE(comes_true([&] { return caretaker_->upkeep().finished == 1; }));
  EXPECT_EQ(examined_, 1);
  EXPECT_EQ(caretaker_->upkeep().damage_found, 0U);
}

// FAULTS 22. Somebody else has written to the file.
TEST_F(CaretakerTest, ATouchedFileIsLookedIntoByItself) {
  start(milliseconds(0));
  caretaker_->crawled();
  const fs::path data = folder_ / "index" / generation() / "data.mdb";
  fs::last_write_time(data, fs::last_write_time(data) + std::chrono::hours(1));
  ASSERT_TRUE(comes_true([&] { return examined_ == 1; }));
}

TEST_F(CaretakerTest, AnIncompleteIndexAnswersAfterTheFirstCrawl) {
  start(milliseconds(0), true);
  EXPECT_FALSE(caretaker_->answering());
  caretaker_->crawled();
  EXPECT_TRUE(caretaker_->answering());
}

TEST_F(CaretakerTest, StopsInTheMiddleOfAnything) {
  hold_ = true;
  start(milliseconds(1));
  caretaker_->crawled();
  ASSERT_TRUE(comes_true([&] { return examined_ == 1; }));
  caretaker_->stop();
  hold_ = false;
  start(milliseconds(0));
  caretaker_->crawled();
  must(caretaker_->ask(UpkeepWork::reindex));
  ASSERT_TRUE(comes_true([&] { return crawls_ == 1; }));
  caretaker_->stop();
}

}  // namespace
}  // namespace jcn
