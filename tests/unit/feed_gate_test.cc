#include "feed_gate.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <vector>

namespace jcn {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

using Who = FeedGate::Who;

FeedGate::Time in_an_hour() {
  return steady_clock::now() + hours(1);
}

TEST(FeedGate, HasSoManyPlacesAndNoMore) {
  FeedGate gate(2);
  auto first = gate.enter(Who::known);
  {
    const auto second = gate.enter(Who::known);
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(gate.enter(Who::known));
    EXPECT_EQ(gate.taken(), 2U);
    EXPECT_EQ(gate.refused(), 1U);
  }
  EXPECT_EQ(gate.taken(), 1U);
  std::optional<FeedGate::Place> moved;
  moved = std::move(first);
  first.reset();
  EXPECT_EQ(gate.taken(), 1U) << "a place that was moved is left once";
  moved.reset();
  EXPECT_EQ(gate.taken(), 0U);
  EXPECT_FALSE(FeedGate(0).enter(Who::known));
}

TEST(FeedGate, TheLastQuarterIsForThoseWhoAreKnown) {
  FeedGate gate(9);
  std::vector<FeedGate::Place> taken;
  while (auto place = gate.enter(Who::anonymous)) taken.push_back(std::move(*place));
  EXPECT_EQ(taken.size(), 7U);
  while (auto place = gate.enter(Who::known)) taken.push_back(std::move(*place));
  EXPECT_EQ(taken.size(), 9U);
  taken.erase(taken.begin(), taken.begin() + 2);  // whoever sat there
  EXPECT_FALSE(gate.enter(Who::anonymous));
  EXPECT_TRUE(gate.enter(Who::known));
}

TEST(FeedGate, WhatWasAnnouncedBeforeIsNews) {
  FeedGate gate(1);
  gate.announce(5);
  EXPECT_EQ(gate.wait(4, in_an_hour()), FeedGate::News::change);
  EXPECT_EQ(gate.wait(5, steady_clock::now() + milliseconds(1)), FeedGate::News::none);
  gate.announce(3);  // never back
  EXPECT_EQ(gate.wait(4, in_an_hour()), FeedGate::News::change);
}

TEST(FeedGate, AllWhoWaitAreWoken) {
  FeedGate gate(8);
  std::vector<std::future<FeedGate::News>> waiting;
  for (std::uint64_t i = 0; i < 8; ++i) {
    waiting.push_back(
        std::async(std::launch::async, [&gate, i] { return gate.wait(i, in_an_hour()); }));
  }
  gate.announce(4);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(waiting[static_cast<std::size_t>(i)].get(), FeedGate::News::change) << i;
  }
  gate.announce(8);
  for (int i = 4; i < 8; ++i) {
    EXPECT_EQ(waiting[static_cast<std::size_t>(i)].get(), FeedGate::News::change) << i;
  }
}

TEST(FeedGate, ClosedItLetsAllGoAndNobodyIn) {
  FeedGate gate(2);
  const auto place = gate.enter(Who::known);
  auto waiting = std::async(std::launch::async, [&] { return gate.wait(0, in_an_hour()); });
  gate.close();
  EXPECT_EQ(waiting.get(), FeedGate::News::closed);
  EXPECT_FALSE(gate.enter(Who::known));
  gate.announce(9);
  EXPECT_EQ(gate.wait(0, in_an_hour()), FeedGate::News::closed);
}

TEST(FeedGate, WhoeverIsInMaySayLastWords) {
  FeedGate gate(2);
  EXPECT_TRUE(gate.wait_until_left(steady_clock::now())) << "nobody is in";
  auto one = gate.enter(Who::known), two = gate.enter(Who::known);
  gate.close();
  one.reset();
  EXPECT_FALSE(gate.wait_until_left(steady_clock::now() + milliseconds(1)));
  auto left = std::async(std::launch::async, [&] { return gate.wait_until_left(in_an_hour()); });
  two.reset();
  EXPECT_TRUE(left.get());
}

}  // namespace
}  // namespace jcn
