#include "transcode_lease.h"

#include <gtest/gtest.h>

namespace jcn_transcode {
namespace {

using std::chrono::seconds;

TEST(Lease, ReadsWhatItWrites) {
  const Lease lease{"k7\"x", "host:12:00ff", 3, 17, seconds(40)};
  const std::string text = lease_text(lease, "2026-03-01T12:00:00Z");
  EXPECT_EQ(text, R"({"video":"k7\"x","holder":"host:12:00ff","attempt":3,"renewal":17,"term":40,)"
                  R"("renewed_at":"2026-03-01T12:00:00Z"})");
  const Lease read = read_lease(text);
  EXPECT_EQ(read.video, lease.video);
  EXPECT_EQ(read.holder, lease.holder);
  EXPECT_EQ(read.attempt, 3u);
  EXPECT_EQ(read.renewal, 17u);
  EXPECT_EQ(read.term, seconds(40));
}

TEST(Lease, OfAnythingElseNothingIsBelieved) {
  for (const char* text : {"", "[]", "{}", R"({"term":"x","attempt":-1})", R"({"term":0})"}) {
    const Lease read = read_lease(text);
    EXPECT_EQ(read.attempt, 1u) << text;
    EXPECT_EQ(read.term, seconds(30)) << text;
  }
  EXPECT_EQ(read_lease(R"({"term":99999999999})").term, seconds(3600));
}

// Times are the observer's own; nothing sleeps.
TEST(LeaseWatch, ExpiresWhenItsTagStaysForATerm) {
  LeaseWatch watch;
  const Clock::time_point start = Clock::now();
  EXPECT_FALSE(watch.expired("a", "t1", seconds(30), start));
  EXPECT_FALSE(watch.expired("a", "t1", seconds(30), start + seconds(29)));
  EXPECT_TRUE(watch.expired("a", "t1", seconds(30), start + seconds(30)));
}

TEST(LeaseWatch, ARenewedOneBeginsAgain) {
  LeaseWatch watch;
  const Clock::time_point start = Clock::now();
  EXPECT_FALSE(watch.expired("a", "t1", seconds(30), start));
  EXPECT_FALSE(watch.expired("a", "t2", seconds(30), start + seconds(40)));
  EXPECT_FALSE(watch.expired("a", "t2", seconds(30), start + seconds(69)));
  EXPECT_TRUE(watch.expired("a", "t2", seconds(30), start + seconds(70)));
}

TEST(LeaseWatch, EachByItself) {
  LeaseWatch watch;
  const Clock::time_point start = Clock::now();
  EXPECT_FALSE(watch.expired("a", "t", seconds(5), start));
  EXPECT_FALSE(watch.expired("b", "t", seconds(5), start + seconds(4)));
  EXPECT_TRUE(watch.expired("a", "t", seconds(5), start + seconds(5)));
  EXPECT_FALSE(watch.expired("b", "t", seconds(5), start + seconds(5)));
  watch.forget("a");
  EXPECT_FALSE(watch.expired("a", "t", seconds(5), start + seconds(6)));
}

// The holder could not renew it while jcn was away, however long that was.
TEST(LeaseWatch, TimeWithoutJcnDoesNotCount) {
  LeaseWatch watch;
  const Clock::time_point start = Clock::now();
  EXPECT_FALSE(watch.expired("a", "t", seconds(30), start));
  watch.begin_anew();
  EXPECT_FALSE(watch.expired("a", "t", seconds(30), start + seconds(600)));
  EXPECT_TRUE(watch.expired("a", "t", seconds(30), start + seconds(630)));
}

}  // namespace
}  // namespace jcn_transcode
