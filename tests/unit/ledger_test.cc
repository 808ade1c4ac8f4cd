#include "ledger.h"

#include <gtest/gtest.h>

#include <thread>

namespace jcn {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

TEST(Ledger, AnEpochWithoutWorkIsSettled) {
  Ledger ledger;
  EXPECT_TRUE(ledger.settled(ledger.close_epoch()));
}

TEST(Ledger, WaitsForTicketsOfItsOwnAndEarlierEpochsOnly) {
  Ledger ledger;
  Ticket first = ledger.issue();
  const Ledger::Epoch one = ledger.close_epoch();
  Ticket second = ledger.issue();
  const Ledger::Epoch two = ledger.close_epoch();
  Ticket third = ledger.issue();
  EXPECT_FALSE(ledger.settled(one));
  second.reset();
  EXPECT_FALSE(ledger.settled(two)) << "the earlier epoch's work is not done";
  first.reset();
  EXPECT_TRUE(ledger.settled(one));
  EXPECT_TRUE(ledger.settled(two)) << "later work does not count";
}

TEST(Ledger, CopiesAreOnePieceOfWork) {
  Ledger ledger;
  Ticket ticket = ledger.issue();
  Ticket copy = ticket;
  const Ledger::Epoch epoch = ledger.close_epoch();
  ticket.reset();
  EXPECT_FALSE(ledger.settled(epoch));
  copy.reset();
  EXPECT_TRUE(ledger.settled(epoch));
}

TEST(Ledger, WaitingEndsWithTheLastTicket) {
  Ledger ledger;
  Ticket ticket = ledger.issue();
  const Ledger::Epoch epoch = ledger.close_epoch();
  EXPECT_FALSE(ledger.wait_settled(epoch, steady_clock::now() + milliseconds(1)));
  std::thread worker([moved = std::move(ticket)]() mutable { moved.reset(); });
  EXPECT_TRUE(ledger.wait_settled(epoch, steady_clock::now() + std::chrono::seconds(30)));
  worker.join();
}

TEST(Ledger, StopEndsWaiting) {
  Ledger ledger;
  const Ticket ticket = ledger.issue();
  const Ledger::Epoch epoch = ledger.close_epoch();
  ledger.stop();
  EXPECT_FALSE(ledger.wait_settled(epoch, steady_clock::time_point::max()));
}

}  // namespace
}  // namespace jcn
