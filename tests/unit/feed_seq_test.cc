#include "feed_seq.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

const std::string uuid = "730e0010-e315-427c-bb20-93fce649e06b";

TEST(FeedSeq, ComesBackAsItWent) {
  for (const FeedPlace place : {FeedPlace{0, 0}, FeedPlace{17, 0}, FeedPlace{17, 300},
                                FeedPlace{~std::uint64_t{0}, ~std::uint64_t{0}}}) {
    const FeedSeq seq{uuid, place};
    EXPECT_EQ(read_feed_seq(feed_seq_text(seq)), seq) << feed_seq_text(seq);
  }
  EXPECT_EQ(feed_seq_text({uuid, {17, 0}}), uuid + "-17");
  EXPECT_EQ(feed_seq_text({uuid, {17, 300}}), uuid + "-300-17") << "its number comes last";
}

TEST(FeedSeq, NothingElseIsOne) {
  for (const std::string& text : {std::string(),
                                  std::string("0"),
                                  std::string("now"),
                                  std::string("17"),
                                  uuid,
                                  uuid + "-",
                                  uuid + "-x",
                                  uuid + "-+1",
                                  uuid + "--1",
                                  uuid + "-01",
                                  uuid + "-1-",
                                  uuid + "-0-1",
                                  uuid + "-1-2-3",
                                  uuid + "-3-5",
                                  uuid + "-18446744073709551616",
                                  uuid + "-1 ",
                                  uuid + "17",
                                  ' ' + uuid + "-1",
                                  "730E0010" + uuid.substr(8) + "-1",
                                  "730e0010xe315" + uuid.substr(13) + "-1",
                                  "g30e0010" + uuid.substr(8) + "-1"}) {
    EXPECT_FALSE(read_feed_seq(text)) << text;
  }
}

}  // namespace
}  // namespace jcn
