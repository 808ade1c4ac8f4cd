#include "log.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

using std::chrono::seconds;

TEST(LogBudget, ABurstThenOneAtATime) {
  LogBudget budget;
  LogBudget::Time now{};
  for (std::uint64_t i = 0; i < LogBudget::burst; ++i) EXPECT_TRUE(budget.take("a", now)) << i;
  EXPECT_FALSE(budget.take("a", now));
  EXPECT_FALSE(budget.take("a", now + LogBudget::refill - seconds(1)));
  EXPECT_TRUE(budget.take("b", now)) << "each event has its own";
  now += LogBudget::refill;
  EXPECT_TRUE(budget.take("a", now));
  EXPECT_FALSE(budget.take("a", now));
  now += 3 * LogBudget::refill;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take("a", now)) << i;
  EXPECT_FALSE(budget.take("a", now));
}

TEST(LogBudget, AfterAQuietTimeThereIsABurstAgainAndNoMore) {
  LogBudget budget;
  LogBudget::Time now{};
  EXPECT_TRUE(budget.take("a", now));
  now += seconds(100'000);
  for (std::uint64_t i = 0; i < LogBudget::burst; ++i) EXPECT_TRUE(budget.take("a", now)) << i;
  EXPECT_FALSE(budget.take("a", now));
}

TEST(LogBudget, CountsWhatIsLeftOutOnce) {
  LogBudget budget;
  for (std::uint64_t i = 0; i < LogBudget::burst + 7; ++i) budget.take("a", {});
  budget.take("b", {});
  EXPECT_EQ(budget.left_out(), (std::map<std::string, std::uint64_t>{{"a", 7}}));
  EXPECT_TRUE(budget.left_out().empty());
}

TEST(Log, ValuesAndTextsAreOfOneLine) {
  EXPECT_EQ(log_value("notes"), "notes");
  EXPECT_EQ(log_value("a/b.json"), "a/b.json");
  EXPECT_EQ(log_value(""), "\"\"");
  EXPECT_EQ(log_value("two words"), "\"two words\"");
  EXPECT_EQ(log_value("a=b"), "\"a=b\"");
  EXPECT_EQ(log_value("a\"b\nc"), "\"a\\\"b\\nc\"");
  EXPECT_EQ(log_text("one\nevent=two\x1b[31m \xc3\xa9"), "one\\x0aevent=two\\x1b[31m \xc3\xa9");
}

}  // namespace
}  // namespace jcn
