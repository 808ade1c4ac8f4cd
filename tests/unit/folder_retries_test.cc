#include "folder_retries.h"

#include <gtest/gtest.h>

#include "look_schedule.h"

namespace jcn {
namespace {

using std::chrono::milliseconds;
using Names = std::vector<FolderName>;

const FolderName folder{"r", "a/b"};

class FolderRetriesTest : public testing::Test {
 protected:
  std::uint32_t fails(const FolderName& name = folder, bool judge_anew = false) {
    return retries.failed(name, {ledger.issue(), judge_anew}, now);
  }
  // A try that fails.
  std::uint32_t fails_again() {
    EXPECT_TRUE(retries.begin(folder));
    const std::uint32_t failures = fails();
    EXPECT_FALSE(retries.ended(folder));
    return failures;
  }
  bool waited_for() { return !ledger.settled(ledger.close_epoch()); }

  Ledger ledger;
  FolderRetries retries;
  FolderRetries::Time now = FolderRetries::Time() + std::chrono::hours(1);
};

TEST_F(FolderRetriesTest, ItIsTriedAgainLaterAndLater) {
  EXPECT_FALSE(retries.next_due());
  fails();
  std::vector<milliseconds> pauses;
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(retries.due(*retries.next_due() - milliseconds(1)), Names{});
    pauses.push_back(std::chrono::duration_cast<milliseconds>(*retries.next_due() - now));
    now = *retries.next_due();
    EXPECT_EQ(retries.due(now), Names{folder});
    fails_again();
  }
  EXPECT_EQ(pauses.front(), milliseconds(100));
  EXPECT_EQ(pauses[1], milliseconds(200));
  EXPECT_EQ(pauses.back(), milliseconds(5000));
  EXPECT_TRUE(std::is_sorted(pauses.begin(), pauses.end()));
}

TEST_F(FolderRetriesTest, BarriersWaitForTheFirstTriesOnly) {
  EXPECT_EQ(fails(), 1U);
  for (std::uint32_t failures = 2; failures < patient_failures; ++failures) {
    EXPECT_TRUE(waited_for());
    EXPECT_EQ(fails_again(), failures);
  }
  EXPECT_TRUE(waited_for());
  EXPECT_EQ(fails_again(), patient_failures);
  EXPECT_FALSE(waited_for());
  EXPECT_EQ(fails_again(), patient_failures + 1);
  EXPECT_FALSE(waited_for());
  EXPECT_FALSE(retries.begin(folder)->ticket);
  EXPECT_EQ(retries.names(), Names{folder});
}

TEST_F(FolderRetriesTest, WhoAsksAnewIsWaitedForAnew) {
  fails();
  for (std::uint32_t i = 0; i < patient_failures; ++i) fails_again();
  EXPECT_FALSE(waited_for());
  EXPECT_EQ(fails(), 1U);
  EXPECT_TRUE(waited_for());
  EXPECT_EQ(fails(), 1U) << "the first who asked is still waited for";
}

TEST_F(FolderRetriesTest, OneTryThatFailsTwiceCountsOnce) {
  fails();
  ASSERT_TRUE(retries.begin(folder));
  EXPECT_EQ(fails(), 2U);
  EXPECT_EQ(fails(), 2U);
  EXPECT_FALSE(retries.ended(folder));
  EXPECT_EQ(fails_again(), 3U);
}

TEST_F(FolderRetriesTest, ATryThatGoesWellEndsIt) {
  fails();
  const auto errand = retries.begin(folder);
  ASSERT_TRUE(errand && errand->ticket);
  EXPECT_TRUE(retries.ended(folder));
  EXPECT_FALSE(retries.contains(folder));
  EXPECT_FALSE(retries.begin(folder));
  EXPECT_FALSE(retries.ended(folder));
}

TEST_F(FolderRetriesTest, WhatWasAskedForIsKept) {
  fails();
  fails(folder, true);
  retries.failed({"r", ""}, {ledger.issue(), false, true, true}, now);
  EXPECT_TRUE(retries.begin(folder)->judge_anew);
  const auto root = retries.begin({"r", ""});
  EXPECT_TRUE(root->open_root && root->accept && !root->judge_anew);
}

TEST_F(FolderRetriesTest, WhatLiesBeneathIsNotKnownUntilATryGoesWell) {
  EXPECT_FALSE(retries.covers(folder));
  fails();
  EXPECT_TRUE(retries.covers(folder));
  EXPECT_TRUE(retries.covers({"r", "a/b/c/d"}));
  EXPECT_FALSE(retries.covers({"r", "a"}));
  EXPECT_FALSE(retries.covers({"r", "a/bc"}));
  EXPECT_FALSE(retries.covers({"s", "a/b"}));
  ASSERT_TRUE(retries.begin(folder));
  EXPECT_FALSE(retries.covers({"r", "a/b/c"})) << "as long as it goes well";
  fails();
  EXPECT_TRUE(retries.covers({"r", "a/b/c"}));
  EXPECT_FALSE(retries.ended(folder));
  fails({"s", ""});
  EXPECT_TRUE(retries.covers({"s", "a"}));
}

}  // namespace
}  // namespace jcn
