#include "look_schedule.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

using std::chrono::milliseconds;
using Time = LookSchedule::Time;

const FragmentName a{"r", "a.json"};
const FragmentName b{"r", "b.json"};

class LookScheduleTest : public testing::Test {
 protected:
  void request(const FragmentName& name, int delay = 0) {
    schedule.request(name, ledger.issue(), now, milliseconds(delay), false);
  }
  LookJob::Item only(std::optional<LookJob> job) {
    EXPECT_TRUE(job.has_value());
    EXPECT_EQ(job->items.size(), 1U);
    return job->items.front();
  }
  // Finishes with facts of the given size; true: published.
  bool finish(const LookJob::Item& item, LookEnd end, std::uint64_t size = 1,
              milliseconds unchanged_for = milliseconds(0)) {
    FileFacts facts;
    facts.size = size;
    const bool publish = schedule.finished(item, end, facts, unchanged_for);
    schedule.release(item, now);
    return publish;
  }
  void pass(int ms) { now += milliseconds(ms); }

  Ledger ledger;
  LookSchedule schedule{SettleDelays{milliseconds(100), milliseconds(500)}};
  Time now = Time() + std::chrono::hours(1);
};

TEST_F(LookScheduleTest, RequestsForOnePathAreOneLook) {
  request(a);
  request(a);
  EXPECT_TRUE(finish(only(schedule.next(now)), LookEnd::settled));
  EXPECT_FALSE(schedule.next(now));
  EXPECT_EQ(schedule.size(), 0U);
}

// All its events copied all of those before, once: a burst on a busy machine took half a minute.
TEST_F(LookScheduleTest, AFileThatGoesToAndFroHasTwoNames) {
  schedule.request_renames({{a, b}}, ledger.issue());
  const std::optional<LookJob> first = schedule.next(now);
  ASSERT_TRUE(first);
  for (int i = 0; i < 1000; ++i) {
    schedule.request_renames({{b, a}}, ledger.issue());
    schedule.request_renames({{a, b}}, ledger.issue());
  }
  for (const LookJob::Item& item : first->items) finish(item, LookEnd::settled);
  const std::optional<LookJob> second = schedule.next(now);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->items.size(), 2U);
  EXPECT_EQ(second->renames.size(), 2U);
  EXPECT_EQ(files_of(*second), 1U);
  for (const LookJob::Item& item : second->items) finish(item, LookEnd::settled);
  EXPECT_FALSE(schedule.next(now));
}

TEST_F(LookScheduleTest, AChangeDuringALookMeansAnotherLookAfterwards) {
  request(a);
  const LookJob::Item item = only(schedule.next(now));
  request(a);
  EXPECT_FALSE(schedule.next(now)) << "never two looks at one path at a time";
  EXPECT_TRUE(schedule.finished(item, LookEnd::settled, {}, milliseconds(0)));
  EXPECT_FALSE(schedule.next(now)) << "not before the first verdict is handed on";
  schedule.release(item, now);
  EXPECT_TRUE(finish(only(schedule.next(now)), LookEnd::settled));
  EXPECT_EQ(schedule.size(), 0U);
}

TEST_F(LookScheduleTest, ATornFileIsLookedAtThriceBeforeItIsARejection) {
  request(a);
  EXPECT_FALSE(finish(only(schedule.next(now)), LookEnd::torn));
  pass(99);
  EXPECT_FALSE(schedule.next(now));
  pass(1);
  EXPECT_FALSE(finish(only(schedule.next(now)), LookEnd::torn));
  pass(499);
  EXPECT_FALSE(schedule.next(now));
  EXPECT_EQ(schedule.unsettled(), std::vector<FragmentName>{a});
  pass(1);
  EXPECT_TRUE(finish(only(schedule.next(now)), LookEnd::torn));
  EXPECT_EQ(schedule.size(), 0U);
}

TEST_F(LookScheduleTest, AFileThatGoesOnChangingBeginsToSettleAnew) {
  request(a);
  finish(only(schedule.next(now)), LookEnd::torn, 1);
  pass(100);
  EXPECT_FALSE(finish(only(schedule.next(now)), LookEnd::torn, 2));
  pass(100);
  EXPECT_FALSE(finish(only(schedule.next(now)), LookEnd::torn, 2));
  pass(500);
  EXPECT_TRUE(finish(only(schedule.next(now)), LookEnd::torn, 2));
}

TEST_F(LookScheduleTest, AnOldTornFileIsSettledAlready) {
  request(a);
  EXPECT_TRUE(finish(only(schedule.next(now)), LookEnd::torn, 1, milliseconds(600)));
}

TEST_F(LookScheduleTest, AClockThatWasSetBackMakesATornFileSettleTheSlowWay) {
  request(a);
  EXPECT_FALSE(finish(only(schedule.next(now)), LookEnd::torn, 1, milliseconds(-1'000'000)));
}

TEST_F(LookScheduleTest, AnEventOnASettlingFileIsLookedAtAtOnce) {
  request(a);
  finish(only(schedule.next(now)), LookEnd::torn);
  pass(10);
  request(a);
  EXPECT_TRUE(finish(only(schedule.next(now)), LookEnd::settled));
  pass(1000);
  EXPECT_FALSE(schedule.next(now)) << "the settle timer is void";
}

TEST_F(LookScheduleTest, WritingPutsTheLookOffAndALaterEventTakesOverTheWait) {
  request(a, 100);
  const Ledger::Epoch early = ledger.close_epoch();
  EXPECT_FALSE(ledger.settled(early));
  pass(60);
  request(a, 100);
  EXPECT_TRUE(ledger.settled(early)) << "a barrier before it lists the path instead of waiting";
  EXPECT_EQ(schedule.unsettled(), std::vector<FragmentName>{a});
  pass(60);
  EXPECT_FALSE(schedule.next(now));
  pass(40);
  EXPECT_TRUE(finish(only(schedule.next(now)), LookEnd::settled));
}

// Its times and size may well be the same: of one tick of the clock, or put back.
TEST_F(LookScheduleTest, WritingBeginsThePatienceWithATornFileAnew) {
  for (const int delay : {0, 100}) {
    request(a);
    EXPECT_FALSE(finish(only(schedule.next(now)), LookEnd::torn));
    pass(100);
    EXPECT_FALSE(finish(only(schedule.next(now)), LookEnd::torn));
    pass(10);
    request(a, delay);
    pass(delay);
    EXPECT_FALSE(finish(only(schedule.next(now)), LookEnd::torn)) << delay;
    pass(100);
    EXPECT_FALSE(finish(only(schedule.next(now)), LookEnd::torn)) << delay;
    pass(500);
    EXPECT_TRUE(finish(only(schedule.next(now)), LookEnd::torn)) << delay;
  }
}

TEST_F(LookScheduleTest, TheTicketLivesUntilTheVerdictIsOut) {
  request(a);
  const Ledger::Epoch epoch = ledger.close_epoch();
  {
    const LookJob::Item item = only(schedule.next(now));
    finish(item, LookEnd::settled);
    EXPECT_FALSE(ledger.settled(epoch)) << "the item is still being published";
  }
  EXPECT_TRUE(ledger.settled(epoch));
}

TEST_F(LookScheduleTest, AStormOnOnePathDoesNotHoldUpAnEarlierBarrier) {
  request(a);
  const Ledger::Epoch epoch = ledger.close_epoch();
  {
    const LookJob::Item item = only(schedule.next(now));
    request(a);
    finish(item, LookEnd::settled);
  }
  EXPECT_TRUE(ledger.settled(epoch));
  EXPECT_EQ(schedule.size(), 1U);
}

TEST_F(LookScheduleTest, BothEndsOfARenameAreOneJob) {
  schedule.request_renames({{a, b}}, ledger.issue());
  std::optional<LookJob> job = schedule.next(now);
  ASSERT_TRUE(job);
  ASSERT_EQ(job->items.size(), 2U);
  EXPECT_EQ(job->items[0].name, a);
  EXPECT_EQ(job->items[1].name, b);
}

TEST_F(LookScheduleTest, ARenameWaitsForALookAtOneOfItsEnds) {
  request(a);
  const LookJob::Item item = only(schedule.next(now));
  schedule.request_renames({{a, b}}, ledger.issue());
  EXPECT_FALSE(schedule.next(now));
  finish(item, LookEnd::settled);
  std::optional<LookJob> job = schedule.next(now);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->items.size(), 2U);
}

TEST_F(LookScheduleTest, WhileARenameWaitsNoneOfItsEndsIsLookedAtAlone) {
  const FragmentName c{"r", "c.json"}, d{"r", "d.json"};
  request(a);
  LookJob::Item item = only(schedule.next(now));
  schedule.request_renames({{a, b}, {c, d}}, Ticket());
  schedule.request(b, ledger.issue(), now, milliseconds(0), true);
  request(c, 100);
  const Ledger::Epoch epoch = ledger.close_epoch();
  EXPECT_FALSE(schedule.next(now)) << "b is gone by now: that alone would be half the truth";
  request(a);
  finish(item, LookEnd::settled);
  item = {};
  std::optional<LookJob> job = schedule.next(now);
  ASSERT_TRUE(job);
  ASSERT_EQ(job->items.size(), 4U);
  EXPECT_TRUE(job->items[1].judge_anew);
  EXPECT_FALSE(ledger.settled(epoch)) << "barriers wait for it";
  for (const LookJob::Item& each : job->items) finish(each, LookEnd::settled);
  job.reset();
  EXPECT_TRUE(ledger.settled(epoch));
  pass(1000);
  EXPECT_FALSE(schedule.next(now));
  EXPECT_EQ(schedule.size(), 0U);
}

TEST_F(LookScheduleTest, ARenameTakesOverItsEndsWaitingLooks) {
  request(a, 100);
  request(b);
  schedule.request_renames({{a, b}}, ledger.issue());
  std::optional<LookJob> job = schedule.next(now);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->items.size(), 2U);
  pass(1000);
  EXPECT_FALSE(schedule.next(now));
}

TEST_F(LookScheduleTest, RenamesThatShareAnEndAreOneJob) {
  const FragmentName c{"r", "c.json"};
  schedule.request_renames({{a, b}}, ledger.issue());
  schedule.request_renames({{b, c}}, ledger.issue());
  std::optional<LookJob> job = schedule.next(now);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->items.size(), 3U);
  EXPECT_FALSE(schedule.next(now));
}

TEST_F(LookScheduleTest, ARenameThatIsFoundNowhereWaitsForTheNextOne) {
  const FragmentName c{"r", "c.json"};
  schedule.request_renames({{a, b}}, ledger.issue());
  std::optional<LookJob> job = schedule.next(now);
  ASSERT_TRUE(job);
  schedule.request_renames({{b, c}}, ledger.issue());
  EXPECT_TRUE(schedule.postpone(*job, now));
  job = schedule.next(now);
  ASSERT_TRUE(job) << "the next rename need not wait";
  EXPECT_EQ(job->items.size(), 3U);
}

TEST_F(LookScheduleTest, OfAGroupEachFileShouldBeFoundUnderOneOfItsNames) {
  const FragmentName c{"r", "c.json"}, x{"r", "x.json"}, y{"r", "y.json"};
  schedule.request_renames({{a, b}, {x, y}}, ledger.issue());
  std::optional<LookJob> job = schedule.next(now);
  ASSERT_TRUE(job);
  EXPECT_EQ(files_of(*job), 2U);
  schedule.request_renames({{b, c}}, ledger.issue());
  schedule.request_renames({{c, a}}, ledger.issue());
  ASSERT_TRUE(schedule.postpone(*job, now));
  job = schedule.next(now);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->items.size(), 5U);
  EXPECT_EQ(files_of(*job), 2U) << "it went in a circle";
  request(b);
  job = LookJob{{{b, nullptr, false, 0}}, {}};
  EXPECT_EQ(files_of(*job), 1U);
}

TEST_F(LookScheduleTest, ALaterEventOnOneEndDoesNotSplitAPostponedRename) {
  schedule.request_renames({{a, b}}, ledger.issue());
  std::optional<LookJob> job = schedule.next(now);
  ASSERT_TRUE(job);
  ASSERT_TRUE(schedule.postpone(*job, now));
  request(b);
  job = schedule.next(now);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->items.size(), 2U);
}

TEST_F(LookScheduleTest, FilesThatCannotBeReadDoNotCountAsReady) {
  request(a);
  finish(only(schedule.next(now)), LookEnd::later);
  EXPECT_EQ(schedule.ready(), 0U);
  EXPECT_EQ(schedule.size(), 1U);
}

TEST_F(LookScheduleTest, ARenameThatStaysUnfoundIsBelievedInTheEnd) {
  schedule.request_renames({{a, b}}, ledger.issue());
  int postponed = 0;
  std::optional<LookJob> job = schedule.next(now);
  while (job && schedule.postpone(*job, now)) {
    ++postponed;
    pass((4 << (postponed - 1)) - 1);
    EXPECT_FALSE(schedule.next(now));
    pass(1);
    job = schedule.next(now);
  }
  EXPECT_EQ(postponed, 4);
  ASSERT_TRUE(job);
  for (const LookJob::Item& item : job->items) EXPECT_TRUE(finish(item, LookEnd::settled));
  EXPECT_EQ(schedule.size(), 0U);
}

TEST_F(LookScheduleTest, UnfinishedLooksBackOffAndAreReportedAfterTheFourth) {
  request(a);
  const Ledger::Epoch epoch = ledger.close_epoch();
  for (int failure = 1; failure <= 4; ++failure) {
    EXPECT_EQ(finish(only(schedule.next(now)), LookEnd::later), failure == 4);
    EXPECT_FALSE(schedule.next(now)) << "not without a pause";
    pass(50 << failure);
  }
  EXPECT_TRUE(ledger.settled(epoch)) << "barriers no longer wait";
  EXPECT_TRUE(finish(only(schedule.next(now)), LookEnd::settled)) << "but it is tried on";
}

// No barrier waits for it any more, so each has to tell of it until it is published.
TEST_F(LookScheduleTest, WhatWasGivenUpIsUnsettledUntilItIsPublished) {
  const std::vector<FragmentName> listed{a};
  request(a);
  for (std::uint32_t i = 0; i < patient_failures; ++i) {
    finish(only(schedule.next(now)), LookEnd::later);
    pass(10'000);
  }
  EXPECT_TRUE(ledger.settled(ledger.close_epoch()));
  EXPECT_EQ(schedule.unsettled(), listed);
  schedule.request(a, nullptr, now, milliseconds(0), false);  // nobody asked
  EXPECT_EQ(schedule.unsettled(), listed);
  const LookJob::Item item = only(schedule.next(now));
  EXPECT_EQ(schedule.unsettled(), listed) << "another try is under way";
  EXPECT_TRUE(schedule.finished(item, LookEnd::settled, {}, {}));
  EXPECT_EQ(schedule.unsettled(), listed) << "read, and not yet published";
  schedule.release(item, now);
  EXPECT_TRUE(schedule.unsettled().empty());
}

TEST_F(LookScheduleTest, BackgroundWorkComesLast) {
  schedule.request(a, nullptr, now, milliseconds(0), false);
  request(b);
  EXPECT_EQ(only(schedule.next(now)).name, b);
  EXPECT_EQ(only(schedule.next(now)).name, a);
}

TEST_F(LookScheduleTest, AnEventTakesItsPathOutOfTheBackground) {
  const FragmentName c{"r", "c.json"};
  schedule.request(c, nullptr, now, milliseconds(0), false);
  schedule.request(a, nullptr, now, milliseconds(0), false);
  request(a);
  EXPECT_EQ(only(schedule.next(now)).name, a);
  EXPECT_EQ(only(schedule.next(now)).name, c);
  EXPECT_FALSE(schedule.next(now)) << "its place in the background is void";
}

TEST_F(LookScheduleTest, JudgingAnewSticksUntilTheLook) {
  schedule.request(a, nullptr, now, milliseconds(0), true);
  request(a);
  EXPECT_TRUE(only(schedule.next(now)).judge_anew);
}

TEST_F(LookScheduleTest, BeneathNamesWhatWaitsAndWhatIsUnderWay) {
  const FragmentName inner{"r", "d/x.json"};
  const FragmentName waiting{"r", "d/y.json"};
  request(inner);
  const LookJob::Item item = only(schedule.next(now));
  request(waiting, 100);
  request(a);
  std::vector<FragmentName> names = schedule.beneath("r", "d/");
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<FragmentName>{inner, waiting}));
}

// Whoever waits for a look of its own must not be told by an earlier one.

class WatcherTest : public LookScheduleTest {
 protected:
  void ask() {
    auto watcher = std::make_shared<int>();
    watched = watcher;
    schedule.request(a, ledger.issue(), now, milliseconds(0), false, std::move(watcher));
  }
  bool dead() const { return watched.expired(); }
  LookJob take() {
    auto job = schedule.next(now);
    EXPECT_TRUE(job.has_value());
    return std::move(*job);
  }
  void done(const LookJob& job, LookEnd end = LookEnd::settled) {
    for (const LookJob::Item& item : job.items) {
      schedule.finished(item, end, {}, milliseconds(0));
      schedule.release(item, now);
    }
  }
  std::weak_ptr<int> watched;
};

TEST_F(WatcherTest, DiesWithALookThatBeganAfterwards) {
  request(a);
  const auto early = take();
  ask();
  done(early);
  EXPECT_FALSE(dead()) << "that look had begun before";
  const auto own = take();
  EXPECT_FALSE(dead());
  done(own);
  EXPECT_TRUE(dead());
}

TEST_F(WatcherTest, StaysThoughAnEarlierTicketIsThere) {
  request(a);
  ask();
  EXPECT_FALSE(dead());
  done(take());
  EXPECT_TRUE(dead());
}

TEST_F(WatcherTest, WaitsForATornFileToSettle) {
  ask();
  for (int look = 0; look < 3; ++look) {
    EXPECT_FALSE(dead()) << look;
    done(take(), LookEnd::torn);
    pass(1000);
  }
  EXPECT_TRUE(dead());
}

TEST_F(WatcherTest, IsGivenUpWithAFileThatCantBeRead) {
  ask();
  for (std::uint32_t look = 0; look < patient_failures; ++look) {
    EXPECT_FALSE(dead()) << look;
    done(take(), LookEnd::later);
    pass(10000);
  }
  EXPECT_TRUE(dead());
}

TEST_F(WatcherTest, GoesWithTheRenameThatItsPathIsPartOf) {
  request(b);
  const auto early = take();
  schedule.request_renames({{a, b}}, ledger.issue());  // blocked by that look
  ask();
  done(early);
  EXPECT_FALSE(dead());
  auto both = take();
  ASSERT_EQ(both.items.size(), 2u);
  EXPECT_TRUE(schedule.postpone(both, now));
  EXPECT_FALSE(dead());
  pass(1000);
  both = take();
  ask();
  EXPECT_TRUE(schedule.postpone(both, now));
  pass(1000);
  done(take());
  EXPECT_TRUE(dead());
}

}  // namespace
}  // namespace jcn
