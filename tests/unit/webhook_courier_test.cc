#include "webhook_courier.h"

#include "webhook_courier_fixture.h"

namespace jcn {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(WebhookCourierTest, FirstOfAllTheReceiverIsToldToBeginOnce) {
  for (int i = 0; i < 50; ++i) put("r" + std::to_string(i));
  WebhookCourier site = courier(config(), WebhookState{});
  const auto post = next(site);
  ASSERT_TRUE(post);
  EXPECT_EQ(post->body,
            "{\"type\":\"fresh\",\"webhook\":\"site\",\"last_seq\":\"" + uuid() + "-50\"}");
  EXPECT_FALSE(next(site)) << "one post at a time";
  site.answered(away, now());
  EXPECT_EQ(told(next(site)), "nothing");
  pass(seconds(2));
  put("later");
  EXPECT_EQ(send(site, fine), "fresh") << "until it was taken";
  EXPECT_EQ(send(site, fine), "later") << "changes since the first attempt follow";
  EXPECT_EQ(send(site, fine), "nothing");
}

TEST_F(WebhookCourierTest, AnotherHistoryIsOneFreshEventAndNoStorm) {
  put("a");
  WebhookCourier site = courier(config());
  put("b");
  EXPECT_EQ(send(site, wrong), "b") << "parked, of the old history";
  open("another");
  for (int i = 0; i < 20; ++i) put("r" + std::to_string(i));
  EXPECT_EQ(send(site, fine), "fresh");
  EXPECT_EQ(send(site, fine), "nothing");
  EXPECT_TRUE(site.failures().empty());
  put("r3", "{\"n\":1}");
  EXPECT_EQ(send(site, fine), "r3");
}

// A power cut takes back what was told behind the place: perhaps a record that no file is of now,
// and of which no change will tell.
TEST_F(WebhookCourierTest, WhatWasToldAndTakenBackIsOneFreshEvent) {
  put("a");
  put("b");
  WebhookCourier site = courier(config(), WebhookState{FeedSeq{uuid(), {1, 0}}, false, false, {}});
  EXPECT_EQ(told(next(site)), "b");
  EXPECT_EQ(site.state().told, head()) << "before anything is answered";
  EXPECT_TRUE(site.unsaved());

  WebhookState kept = site.state();
  EXPECT_EQ(kept.place->place.seq, 1U);
  WebhookCourier restarted = courier(config(), kept);
  EXPECT_EQ(told(next(restarted)), "b") << "nothing was taken back";
  kept.told = head() + 1;
  WebhookCourier cut_off = courier(config(), kept);
  EXPECT_EQ(send(cut_off, fine), "fresh");
  EXPECT_EQ(cut_off.state().told, head());
  put("c");
  EXPECT_EQ(send(cut_off, fine), "c");
}

TEST_F(WebhookCourierTest, ChangesComeInOrderAndInBatches) {
  WebhookConfig small = config();
  small.batch = 2;
  WebhookCourier site = courier(small);
  for (const char* id : {"a", "b", "c"}) put(id);
  remove("a");
  EXPECT_EQ(send(site, fine), "b c");
  EXPECT_EQ(send(site, fine), "-a") << "the latest change of each record";
  EXPECT_EQ(send(site, fine), "nothing");
  EXPECT_EQ(site.status(head()).delivered, 3U);
  EXPECT_EQ(site.status(head()).behind, 0U);
}

TEST_F(WebhookCourierTest, SameContentHasTheSameId) {
  WebhookCourier site = courier(config());
  put("a");
  const auto first = next(site);
  site.answered(away, now());
  pass(seconds(5));
  const auto again = next(site);
  ASSERT_TRUE(first && again);
  EXPECT_EQ(first->id, again->id);
  EXPECT_EQ(first->body, again->body);
  site.answered(fine, now());
  put("a");
  EXPECT_NE(next(site)->id, first->id);
}

TEST_F(WebhookCourierTest, FiltersTellWhatDoesNotMatchUnlessToldNotTo) {
  WebhookConfig filtered = config();
  filtered.filter = "n__gte=2";
  filtered.include_docs = true;
  WebhookCourier site = courier(filtered);
  filtered.only_matching = true;
  WebhookCourier other = courier(filtered);
  put("a", "{\"n\":1}");
  put("b", "{\"n\":2}");
  put("c", "{\"n\":3}");
  remove("c");
  const auto post = next(site);
  EXPECT_EQ(told(post), "?a b -c");
  EXPECT_NE(post->body.find("\"doc\":{\"n\":2}"), std::string::npos);
  EXPECT_EQ(post->body.find("\"doc\":{\"n\":1}"), std::string::npos);
  EXPECT_EQ(send(other, fine), "b -c");
  put("b", "{\"n\":0}");
  EXPECT_EQ(send(other, fine), "nothing");
  EXPECT_EQ(other.status(head()).behind, 0U) << "what is none of its business is behind it";
}

// Whoever was not told of a deletion, and can't be any more, has to begin anew.
TEST_F(WebhookCourierTest, ReceiverThatIsAwayHoldsUpEverythingForAWhile) {
  WebhookCourier site = courier(config());
  put("a");
  put("b");
  EXPECT_EQ(send(site, away), "a b");
  EXPECT_FALSE(site.wants(now().steady, news_));
  EXPECT_EQ(send(site, away), "nothing");
  const auto due = site.due();
  ASSERT_TRUE(due);
  EXPECT_GE(*due, now_ + milliseconds(500));
  EXPECT_LE(*due, now_ + milliseconds(1000));
  pass(seconds(1));
  EXPECT_EQ(send(site, away), "a") << "one at a time while it fails";
  pass(seconds(2));
  put("c");
  EXPECT_EQ(send(site, fine), "a");
  EXPECT_EQ(send(site, fine), "b c") << "and more again when it does not";
  EXPECT_TRUE(site.failures().empty()) << "nothing was passed";
  EXPECT_FALSE(site.status(head()).failing_since_ns);
}

TEST_F(WebhookCourierTest, WhoRefusesEverythingIsNotAskedAllTheTime) {
  WebhookConfig single = config();
  single.batch = 1;
  WebhookCourier site = courier(single);
  for (int i = 0; i < 100; ++i) put("r" + std::to_string(100 + i));
  int at_once = 0;
  while (send(site, wrong) != "nothing") ++at_once;
  EXPECT_LE(at_once, 10);
  for (int minute = 0; minute < 10; ++minute) {
    pass(seconds(60));
    for (int i = 0; i < 1000 && send(site, wrong) != "nothing"; ++i) {
    }
  }
  EXPECT_LT(site.status(head()).posts, 150U);
  EXPECT_LT(site.failures().size(), 30U);
  pass(hours(1));
  std::set<std::string> all;
  for (std::string what; (what = send(site, fine)) != "nothing";) all.insert(what);
  EXPECT_EQ(all.size(), 100U) << "each of them";
  EXPECT_TRUE(site.failures().empty());
}

// Given up or not: its record is told of by the later change.
TEST_F(WebhookCourierTest, GoneIsGoneUntilSomebodyAsks) {
  WebhookCourier site = courier(config());
  put("a");
  EXPECT_EQ(send(site, {410, "", {}}), "a");
  EXPECT_EQ(site.status(head()).state, "gone");
  pass(hours(1000));
  put("b");
  EXPECT_FALSE(site.wants(now().steady, news_));
  EXPECT_FALSE(site.due());
  EXPECT_EQ(send(site, fine), "nothing");
  WebhookCourier restarted = courier(config(), site.state());
  EXPECT_EQ(send(restarted, fine), "nothing") << "it outlives the process";
  restarted.replay(std::nullopt, now());
  EXPECT_EQ(send(restarted, fine), "a b") << "nothing was lost";
  WebhookConfig moved = config();
  moved.url = "http://127.0.0.1/elsewhere";
  site.reconfigure(moved, must(webhook_feed(moved)));
  EXPECT_EQ(send(site, fine), "a b") << "another address is another receiver";
}

// Also one that was given while jcn was not running, or while the old one was being asked.
TEST_F(WebhookCourierTest, GoneIsOfTheAddressThatSaidSo) {
  WebhookCourier site = courier(config());
  put("a");
  EXPECT_EQ(send(site, {410, "", {}}), "a");
  WebhookConfig moved = config();
  moved.url = "http://127.0.0.1/elsewhere";
  WebhookCourier restarted = courier(moved, site.state());
  EXPECT_TRUE(restarted.unsaved());
  WebhookCourier read_late = courier(moved, WebhookState{});
  read_late.go_on_from(site.state());
  EXPECT_EQ(send(read_late, fine), "a");
  ASSERT_EQ(told(next(restarted)), "a");
  WebhookConfig again = config();
  again.url = "http://127.0.0.1/third";
  restarted.reconfigure(again, must(webhook_feed(again)));
  restarted.answered({410, "", {}}, now());
  EXPECT_FALSE(restarted.state().gone) << "it was another that said so";
  EXPECT_EQ(send(restarted, {410, "", {}}), "a");
  EXPECT_TRUE(restarted.state().gone);
}

TEST_F(WebhookCourierTest, RetryAfterIsHonouredWithinBounds) {
  WebhookCourier site = courier(config());
  put("a");
  EXPECT_EQ(send(site, {503, "", seconds(30)}), "a");
  EXPECT_EQ(*site.due(), now_ + seconds(30));
  pass(seconds(30));
  EXPECT_EQ(send(site, {429, "", seconds(100'000'000)}), "a");
  EXPECT_EQ(*site.due(), now_ + seconds(60)) << "never longer than retry_longest";
  pass(seconds(60));
  EXPECT_EQ(send(site, {503, "", seconds::max()}), "a");
  EXPECT_EQ(*site.due(), now_ + seconds(60));
}

TEST_F(WebhookCourierTest, ReplayFromAPlaceSendsAgainWhatFollows) {
  put("a");
  put("b");
  WebhookCourier site = courier(config());
  put("c");
  EXPECT_EQ(send(site, wrong), "c");
  site.replay(FeedSeq{uuid(), {1, 0}}, now());
  EXPECT_EQ(send(site, fine), "c") << "what is parked has its turn, too";
  EXPECT_EQ(send(site, fine), "b") << "one at a time after a refusal";
  EXPECT_EQ(send(site, fine), "c");
  EXPECT_EQ(send(site, fine), "nothing");
  EXPECT_TRUE(site.failures().empty());
  // While a page is on its way: its end is not where the webhook goes on.
  put("d");
  ASSERT_EQ(told(next(site)), "d");
  site.replay(FeedSeq{uuid(), {0, head()}}, now());
  site.answered(fine, now());
  EXPECT_EQ(send(site, fine), "a b c d");
}

TEST_F(WebhookCourierTest, PausesDoubleAndAreSpreadOut) {
  const auto pause = [](std::uint64_t attempts, double random) {
    return webhook_pause(attempts, seconds(1), seconds(60), random).count();
  };
  EXPECT_EQ(pause(1, 1), 1000);
  EXPECT_EQ(pause(1, 0), 500);
  EXPECT_EQ(pause(2, 1), 2000);
  EXPECT_EQ(pause(6, 1), 32'000);
  EXPECT_EQ(pause(7, 1), 60'000);
  EXPECT_EQ(pause(7, 0), 30'000);
  EXPECT_EQ(pause(~std::uint64_t{0}, 1), 60'000);
  EXPECT_EQ(webhook_pause(1, seconds(100), seconds(10), 1), seconds(10));
}

TEST_F(WebhookCourierTest, AnswersShowNoSecrets) {
  WebhookCourier site = courier(config());
  EXPECT_EQ(site.status(head()).url, "http://127.0.0.1/hook?…");
}

// Whatever the receiver answers, and whenever jcn ends: each record's latest change is delivered,
// and no earlier one after a later one.
TEST_F(WebhookCourierTest, RandomReceiversGetEverythingInOrderPerRecord) {
  std::mt19937 random(7);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  for (int round = 0; round < 20; ++round) {
    open("round" + std::to_string(round));
    WebhookConfig small = config();
    small.batch = 1 + below(5);
    WebhookCourier site = courier(small);
    WebhookState kept = site.state();
    std::map<std::string, std::uint64_t> latest, got;
    for (int step = 0; step < 400; ++step) {
      if (step < 300 && below(2) == 0) {
        const std::string id = "r" + std::to_string(below(12));
        if (below(6) == 0 && latest.contains(id)) {
          remove(id);
        } else {
          put(id, "{\"n\":" + std::to_string(step) + "}");
        }
        latest[id] = head();
      }
      if (below(40) == 0) site = courier(small, kept);  // killed: what was not saved is as before
      if (below(8) == 0) kept = site.state();
      if (below(90) == 0) {
        must(writer_->fold());
        ++news_;
      }
      const auto post = next(site);
      if (post) {
        const bool taken = step >= 340 || below(3) != 0;
        for (JsonCursor row(*json_member(post->body, "results")); row.next();) {
          const std::string id = json_unquote(*json_member(row.value(), "id"));
          const std::uint64_t seq =
              read_feed_seq(json_unquote(*json_member(row.value(), "seq")))->place.seq;
          // A receiver that failed may have taken it all the same.
          if (!taken && below(2) == 0) continue;
          ASSERT_GE(seq, got[id]) << "an earlier change of " << id << " after a later one";
          got[id] = seq;
        }
        static const WebhookOutcome failures[] = {
            away, wrong, {404, "", {}}, {503, "", seconds(3)}};
        site.answered(taken ? fine : failures[below(4)], now());
      }
      pass(step >= 340 ? seconds(61) : milliseconds(below(3000)));
    }
    for (int turn = 0; turn < 200; ++turn) {
      pass(seconds(61));
      const auto post = next(site);
      if (!post) continue;
      for (JsonCursor row(*json_member(post->body, "results")); row.next();) {
        const std::string id = json_unquote(*json_member(row.value(), "id"));
        const std::uint64_t seq =
            read_feed_seq(json_unquote(*json_member(row.value(), "seq")))->place.seq;
        ASSERT_GE(seq, got[id]);
        got[id] = seq;
      }
      site.answered(fine, now());
    }
    EXPECT_EQ(got, latest) << "round " << round;
    EXPECT_TRUE(site.failures().empty());
  }
}

}  // namespace
}  // namespace jcn
