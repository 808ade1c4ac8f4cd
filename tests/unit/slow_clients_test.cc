// slow_clients: who is given up, stepped through time; FAULTS 50.
#include "slow_clients.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <string>

namespace jcn {
namespace {

using std::chrono::milliseconds;
using Awaited = SlowClients::Awaited;
using Client = SlowClients::Client;

class SlowClientsTest : public testing::Test {
 protected:
  static SlowClients::Options eight() {
    SlowClients::Options options;
    options.places = 8;
    options.patience = milliseconds(10'000);
    options.idle = milliseconds(15'000);
    options.when_crowded = milliseconds(500);
    options.when_full = milliseconds(50);
    options.bytes_per_second = 1000;
    return options;
  }

  Client* open() { return clients_.open(&handles_[opened_++], now_); }
  void open(int count) {
    for (int i = 0; i < count; ++i) open();
  }
  // The connections that are given up now, by the order of their opening, and what each waited for.
  std::string review() {
    std::string who;
    next_ = clients_.review(now_, [&](std::span<const SlowClients::GivenUp> given_up) {
      for (const auto& one : given_up) {
        who += std::to_string(static_cast<const char*>(one.connection) - handles_) + ' ';
        if (one.awaited == Awaited::reading) who += "reading ";
      }
      return can_cut_;
    });
    return who;
  }
  void pass(int ms) { now_ += milliseconds(ms); }
  milliseconds until_next() { return std::chrono::ceil<milliseconds>(next_ - now_); }

  char handles_[64] = {};
  int opened_ = 0;
  bool can_cut_ = true;
  SlowClients clients_{eight(), nullptr};
  SlowClients::Time now_ = SlowClients::Clock::now();
  SlowClients::Time next_;
};

TEST_F(SlowClientsTest, NobodyIsThereAndNothingIsDue) {
  EXPECT_EQ(review(), "");
  EXPECT_EQ(next_, SlowClients::Time::max());
}

TEST_F(SlowClientsTest, AFirstRequestHasToComeWithinItsTime) {
  open();
  pass(9'999);
  EXPECT_EQ(review(), "");
  EXPECT_EQ(until_next(), milliseconds(1));
  pass(1);
  EXPECT_EQ(review(), "0 ");
  EXPECT_EQ(review(), "") << "once is enough";
}

TEST_F(SlowClientsTest, AnIdleConnectionHasLonger) {
  Client* client = open();
  client->served();
  client->await(Awaited::next_request, now_);
  pass(14'999);
  EXPECT_EQ(review(), "");
  pass(1);
  EXPECT_EQ(review(), "0 ");
  EXPECT_TRUE(client->given_up());
}

TEST_F(SlowClientsTest, WhoeverIsServedIsNotWaitedFor) {
  open()->served();
  pass(100'000);
  EXPECT_EQ(review(), "");
}

TEST_F(SlowClientsTest, BytesThatMoveAreWorthTime) {
  Client* client = open();
  client->await(Awaited::body, now_);
  for (int second = 0; second < 60; ++second) {
    pass(1000);
    client->moved(clients_.worth(1000), now_);
    ASSERT_EQ(review(), "") << second;
  }
  // A tenth of the slowest rate: the client lags by 0.9 s in each second.
  int seconds = 0;
  while (review().empty()) {
    ASSERT_LT(++seconds, 60);
    pass(1000);
    client->moved(clients_.worth(100), now_);
  }
  EXPECT_EQ(seconds, 12);
}

TEST_F(SlowClientsTest, WhatMovedQuicklyDoesNotPayForAPause) {
  Client* client = open();
  client->await(Awaited::reading, now_);
  client->moved(clients_.worth(1'000'000), now_);  // worth 1,000 s
  pass(10'000);
  EXPECT_EQ(review(), "0 reading ");
}

TEST_F(SlowClientsTest, WhileCrowdedTheSlowestGoUntilAQuarterIsFree) {
  for (int i = 0; i < 7; ++i) {
    open();
    pass(100);
  }
  EXPECT_TRUE(clients_.crowded());
  // 0 has waited for 700 ms, 2 for 500: one has to go.
  EXPECT_EQ(review(), "0 ");
  EXPECT_EQ(review(), "") << "its place is as good as free";
}

TEST_F(SlowClientsTest, WhileCrowdedTheQuickStay) {
  open(7);
  pass(499);
  EXPECT_EQ(review(), "");
  EXPECT_EQ(until_next(), milliseconds(1));
  pass(1);
  EXPECT_EQ(review().size(), 2u);
}

TEST_F(SlowClientsTest, WhileAQuarterIsFreeNobodyIsHurried) {
  open(6);
  EXPECT_FALSE(clients_.crowded());
  pass(9'000);
  EXPECT_EQ(review(), "");
}

TEST_F(SlowClientsTest, WhileFullAllTheSlowGo) {
  open(6);
  pass(100);
  open()->served();
  open();
  EXPECT_EQ(clients_.open(&handles_[60], now_), nullptr) << "no place is left";
  std::string who = review();
  EXPECT_EQ(std::count(who.begin(), who.end(), ' '), 6) << who;
  EXPECT_EQ(until_next(), milliseconds(50)) << "the last";
  pass(50);
  EXPECT_EQ(review(), "") << "six are on their way out: neither full nor crowded";
}

TEST_F(SlowClientsTest, APlaceIsTakenAgainWhenItsConnectionIsClosed) {
  Client* client = open();
  pass(10'000);
  EXPECT_EQ(review(), "0 ");
  clients_.close(client);
  EXPECT_EQ(review(), "");
  EXPECT_EQ(next_, SlowClients::Time::max());
  Client* again = open();
  EXPECT_EQ(again, client);
  EXPECT_FALSE(again->given_up());
  EXPECT_EQ(review(), "") << "its own time runs";
  clients_.close(nullptr);
}

TEST_F(SlowClientsTest, WhoCouldNotBeCutOffIsTriedAgain) {
  Client* client = open();
  pass(10'000);
  can_cut_ = false;
  EXPECT_EQ(review(), "0 ");
  EXPECT_FALSE(client->given_up());
  can_cut_ = true;
  EXPECT_EQ(review(), "0 ");
  EXPECT_TRUE(client->given_up());
}

TEST_F(SlowClientsTest, WhoStopsTheServerWaitsForNobody) {
  open();
  pass(50);
  EXPECT_EQ(review(), "");
  clients_.hurry();
  EXPECT_EQ(review(), "0 ");
}

// With a thread of its own, in real time.
TEST(SlowClientsThread, GivesUpByItself) {
  std::mutex lock;
  std::condition_variable told;
  std::vector<const void*> seen;
  SlowClients::Options options;
  options.places = 4;
  options.patience = milliseconds(30);
  SlowClients clients(options, [&](std::span<const SlowClients::GivenUp> given_up) {
    const std::lock_guard guard(lock);
    for (const auto& one : given_up) seen.push_back(one.connection);
    told.notify_all();
    return true;
  });
  const char handles[2] = {};
  std::vector<Client*> opened;
  for (const char& handle : handles) {
    Client* client = clients.open(&handle, SlowClients::Clock::now());
    std::unique_lock guard(lock);
    ASSERT_TRUE(told.wait_for(guard, std::chrono::seconds(20), [&] { return !seen.empty(); }));
    EXPECT_EQ(seen, std::vector<const void*>{&handle});
    seen.clear();
    guard.unlock();
    clients.close(client);
  }
}

}  // namespace
}  // namespace jcn
