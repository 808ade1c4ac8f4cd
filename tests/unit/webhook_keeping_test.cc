#include "webhook_keeping.h"

#include <gtest/gtest.h>

#include <vector>

namespace jcn {
namespace {

using std::chrono::seconds;
using Turn = WebhookKeeping::Turn;

const Error full{Code::disk_full, "no room", ""};
const Error unreadable{Code::system, "it cannot be read", ""};
const WebhookKeeping::Time start{std::chrono::hours(1000)};

WebhookKeeping opened() {
  WebhookKeeping keeping;
  EXPECT_EQ(keeping.read(start), Turn::none);
  return keeping;
}

TEST(WebhookKeeping, NothingIsSentBeforeTheFileWasRead) {
  WebhookKeeping keeping;
  EXPECT_TRUE(keeping.unread());
  EXPECT_FALSE(keeping.lets_send(0));
  EXPECT_EQ(keeping.failed(unreadable, start), Turn::begins);
  EXPECT_EQ(keeping.due(), start + seconds(1));
  EXPECT_EQ(keeping.failed(unreadable, start + seconds(1)), Turn::none);
  EXPECT_FALSE(keeping.lets_send(0));
  EXPECT_EQ(keeping.failing()->message, unreadable.message);
  EXPECT_EQ(keeping.read(start + seconds(3)), Turn::over);
  EXPECT_FALSE(keeping.unread());
  EXPECT_FALSE(keeping.failing());
  EXPECT_TRUE(keeping.lets_send(0));
  EXPECT_EQ(keeping.failures(), 2U);
}

TEST(WebhookKeeping, WhileItIsWrittenAsOftenAsItIsDueMuchMayBeAheadOfIt) {
  WebhookKeeping keeping = opened();
  EXPECT_LE(keeping.due(), start);
  EXPECT_EQ(keeping.written(start, 5), Turn::none);
  EXPECT_EQ(keeping.due(), start + between_savings);
  EXPECT_TRUE(keeping.lets_send(5 + 10 * most_unkept));
}

TEST(WebhookKeeping, WhileItCannotBeWrittenOnlySoMuchIsAheadOfIt) {
  WebhookKeeping keeping = opened();
  keeping.written(start, 100);
  EXPECT_EQ(keeping.failed(full, start), Turn::begins);
  EXPECT_TRUE(keeping.lets_send(100));
  EXPECT_TRUE(keeping.lets_send(100 + most_unkept - 1));
  EXPECT_FALSE(keeping.lets_send(100 + most_unkept));
  EXPECT_EQ(keeping.written(start, 100 + most_unkept), Turn::over);
  EXPECT_TRUE(keeping.lets_send(100 + most_unkept));
  EXPECT_EQ(keeping.failed(full, start), Turn::begins) << "another time";
  EXPECT_FALSE(keeping.lets_send(100 + 2 * most_unkept));
}

TEST(WebhookKeeping, TriesAgainMoreAndMoreRarely) {
  WebhookKeeping keeping = opened();
  std::vector<long> pauses;
  for (int times = 0; times < 9; ++times) {
    keeping.failed(full, start);
    pauses.push_back(std::chrono::duration_cast<seconds>(keeping.due() - start).count());
  }
  EXPECT_EQ(pauses, (std::vector<long>{1, 2, 4, 8, 16, 32, 60, 60, 60}));
  EXPECT_EQ(keeping.failures(), 9U);
  keeping.written(start, 0);
  keeping.failed(full, start);
  EXPECT_EQ(keeping.due(), start + seconds(1));
}

}  // namespace
}  // namespace jcn
