// Changes that a receiver did not take.
#include "webhook_courier.h"

#include "webhook_courier_fixture.h"

namespace jcn {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class WebhookCourierParkedTest : public WebhookCourierTest {};

TEST_F(WebhookCourierParkedTest, ParkedDeletionsThatAreForgottenAreOneFreshEvent) {
  open("few", 2);
  put("a");
  put("b");
  WebhookCourier site = courier(config());
  remove("a");
  EXPECT_EQ(send(site, wrong), "-a");
  put("b", "{\"n\":1}");
  EXPECT_EQ(send(site, wrong), "b");
  for (int i = 0; i < 6; ++i) {
    put("x" + std::to_string(i));
    EXPECT_EQ(send(site, fine), "x" + std::to_string(i));
    remove("x" + std::to_string(i));
    EXPECT_EQ(send(site, fine), "-x" + std::to_string(i));
    must(writer_->fold());
    ++news_;
  }
  pass(hours(1));
  EXPECT_EQ(send(site, fine), "fresh");
  EXPECT_TRUE(site.failures().empty());
  EXPECT_EQ(send(site, fine), "nothing");
}

TEST_F(WebhookCourierParkedTest, ParkedChangesOutliveDeletionsThatAreForgotten) {
  open("few", 2);
  put("a");
  put("b");
  WebhookCourier site = courier(config());
  put("a", "{\"n\":1}");
  EXPECT_EQ(send(site, wrong), "a");
  for (int i = 0; i < 6; ++i) {
    put("x");
    EXPECT_EQ(send(site, fine), "x");
    remove("x");
    EXPECT_EQ(send(site, fine), "-x");
    put("y" + std::to_string(i));
    remove("y" + std::to_string(i));
    EXPECT_EQ(send(site, fine), "-y" + std::to_string(i));
    must(writer_->fold());
    ++news_;
  }
  pass(hours(1));
  EXPECT_EQ(send(site, fine), "a");
  EXPECT_EQ(send(site, fine), "nothing");
  EXPECT_TRUE(site.failures().empty());
}

TEST_F(WebhookCourierParkedTest, RefusedChangeIsParkedAndTheOthersPass) {
  WebhookCourier site = courier(config());
  put("poison");
  put("b");
  EXPECT_EQ(send(site, wrong), "poison b");
  EXPECT_EQ(send(site, wrong), "poison");
  ASSERT_EQ(site.failures().size(), 1U);
  EXPECT_EQ(site.failures()[0].change.key.id, "poison");
  EXPECT_EQ(site.failures()[0].change.status, 500);
  EXPECT_EQ(send(site, fine), "b");
  EXPECT_EQ(send(site, fine), "nothing") << "not due yet";
  int attempts = 0;
  for (int second = 0; second < 300; ++second) {
    pass(seconds(1));
    put("c" + std::to_string(second));
    std::set<std::string> all;
    for (std::string what; (what = send(site, fine)) != "nothing";) {
      if (what != "poison") {
        all.insert(what);
        continue;
      }
      ++attempts;
      // It was taken after all; make it fail the next time by changing it.
      put("poison", "{\"n\":" + std::to_string(second) + "}");
      ASSERT_EQ(send(site, wrong), "poison");
    }
    EXPECT_TRUE(all.contains("c" + std::to_string(second))) << second;
  }
  EXPECT_GT(attempts, 10);
}

TEST_F(WebhookCourierParkedTest, ParkedChangeIsTriedAgainMoreAndMoreRarelyThenGivenUp) {
  WebhookCourier site = courier(config());
  put("poison");
  EXPECT_EQ(send(site, wrong), "poison");
  int attempts = 0;
  for (int minute = 0; minute < 5 * 24 * 60; ++minute) {
    pass(seconds(60));
    if (send(site, {404, "", {}}) == "poison") ++attempts;
  }
  EXPECT_GT(attempts, 2 * 24 * 60) << "once a minute, for three days";
  EXPECT_LT(attempts, 4 * 24 * 60);
  ASSERT_EQ(site.failures().size(), 1U) << "it is not forgotten";
  EXPECT_TRUE(site.failures()[0].change.given_up);
  EXPECT_EQ(site.failures()[0].change.status, 404);
  EXPECT_EQ(site.status(head()).given_up, 1U);
  site.replay(std::nullopt, now());
  EXPECT_EQ(send(site, wrong), "poison");
  pass(seconds(60));
  EXPECT_EQ(send(site, fine), "poison") << "it was not given up at once";
  EXPECT_TRUE(site.failures().empty());
}

TEST_F(WebhookCourierParkedTest, LaterChangeTakesTheParkedOnesPlace) {
  WebhookCourier site = courier(config());
  put("a", "{\"n\":1}");
  EXPECT_EQ(send(site, wrong), "a");
  put("a", "{\"n\":2}");
  EXPECT_EQ(send(site, fine), "a");
  pass(hours(1));
  EXPECT_EQ(send(site, fine), "nothing") << "never the earlier one after the later";
  EXPECT_TRUE(site.failures().empty());
}

TEST_F(WebhookCourierParkedTest, ChangeOverWhichReceiverHangsIsParkedInTheEnd) {
  WebhookCourier site = courier(config());
  put("poison");
  put("b");
  std::string all;
  for (int i = 0; i < 4; ++i) {
    all += send(site, away) + ',';
    pass(seconds(60));
  }
  EXPECT_EQ(all, "poison b,poison,poison,poison,");
  ASSERT_EQ(site.failures().size(), 1U);
  EXPECT_EQ(site.failures()[0].change.attempts, 3U);
  std::set<std::string> passed{send(site, fine), send(site, fine)};
  EXPECT_EQ(passed, (std::set<std::string>{"poison", "b"}));
}

TEST_F(WebhookCourierParkedTest, AsManyAreParkedAsMayBeThenItStandsStill) {
  WebhookConfig single = config();
  single.batch = 1;
  WebhookCourier site = courier(single, parked(0, most_parked));
  put("x");
  EXPECT_EQ(send(site, fine), "nothing");
  EXPECT_EQ(site.status(head()).state, "stalled");
  EXPECT_EQ(site.status(head()).behind, 1U) << "and nothing is lost";
  put("r1000", "{\"n\":2}");
  EXPECT_EQ(send(site, fine), "nothing");
  pass(std::chrono::minutes(2));
  ASSERT_TRUE(site.due());
  EXPECT_LE(*site.due(), now_);
  EXPECT_EQ(send(site, fine), "x") << "one of them has a later change: there is room";
  EXPECT_EQ(send(site, fine), "r1000");
  EXPECT_EQ(site.status(head()).state, "delivering");
}

TEST_F(WebhookCourierParkedTest, WhatWasGivenUpTakesNoPlaceFromWhatWaits) {
  WebhookConfig single = config();
  single.batch = 1;
  const std::size_t given_up = most_parked - most_waiting - 1;
  WebhookCourier site = courier(single, parked(most_waiting - 1, given_up));
  for (std::size_t i = 1; i < most_waiting; ++i) ASSERT_EQ(send(site, wrong).front(), 'r');
  put("x");
  EXPECT_EQ(send(site, wrong), "x") << "one more waits";
  put("y");
  EXPECT_EQ(send(site, fine), "nothing") << "as many as may wait";
  EXPECT_EQ(site.status(head()).state, "stalled");
  EXPECT_EQ(site.discard(std::nullopt), given_up);
  EXPECT_EQ(send(site, fine), "nothing") << "it is not these that count";
  EXPECT_EQ(site.discard(FeedSeq{uuid(), {1, 0}}), 1U);
  EXPECT_EQ(send(site, fine), "y");
  EXPECT_EQ(site.status(head()).state, "delivering");
}

TEST_F(WebhookCourierParkedTest, WhatWasGivenUpLeavesTheListWhenItsRecordChanges) {
  WebhookCourier site = courier(config(), parked(0, 2));
  put("r1000", "{\"n\":2}");
  EXPECT_EQ(send(site, fine), "r1000");
  ASSERT_EQ(site.failures().size(), 1U);
  EXPECT_EQ(site.failures()[0].change.key.id, "r1001");
}

TEST_F(WebhookCourierParkedTest, DiscardedChangesAreNotSent) {
  WebhookCourier site = courier(config());
  for (const char* id : {"a", "b", "c"}) {
    put(id);
    EXPECT_EQ(send(site, wrong), id);
  }
  EXPECT_EQ(site.discard(std::nullopt), 0U) << "none was given up";
  const FeedSeq b{uuid(), {2, 0}};
  EXPECT_EQ(site.discard(FeedSeq{"another", {2, 0}}), 0U);
  site.saved(true);
  EXPECT_EQ(site.discard(b), 1U);
  EXPECT_TRUE(site.unsaved());
  EXPECT_EQ(site.discard(b), 0U);
  pass(hours(1));
  EXPECT_EQ(send(site, wrong), "a");
  EXPECT_EQ(send(site, wrong), "c");
  pass(hours(100));
  EXPECT_EQ(send(site, wrong), "a") << "after three days given up";
  EXPECT_EQ(site.discard(std::nullopt), 1U);
  ASSERT_EQ(site.failures().size(), 1U);
  // While it is on its way.
  ASSERT_EQ(told(next(site)), "c");
  EXPECT_EQ(site.discard(FeedSeq{uuid(), {3, 0}}), 1U);
  site.answered(wrong, now());
  EXPECT_TRUE(site.failures().empty());
  pass(hours(100));
  EXPECT_EQ(send(site, fine), "nothing");
}

}  // namespace
}  // namespace jcn
