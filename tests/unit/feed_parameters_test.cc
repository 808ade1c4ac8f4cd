#include "feed_parameters.h"

#include <gtest/gtest.h>

namespace jcn {
namespace {

using std::chrono::milliseconds;

const std::string uuid = "730e0010-e315-427c-bb20-93fce649e06b";

Result<FeedRequest> read(std::string_view query, std::optional<std::string_view> last_id = {}) {
  JCN_TRY(const QueryParameters parameters, QueryParameters::read(query));
  return read_feed(parameters, last_id);
}
FeedRequest must_read(std::string_view query, std::optional<std::string_view> last_id = {}) {
  auto asked = read(query, last_id);
  EXPECT_TRUE(asked) << query << ": " << (asked ? "" : asked.error().message);
  return asked ? std::move(*asked) : FeedRequest{};
}
std::string error_of(std::string_view query) {
  const auto asked = read(query);
  return asked ? "none" : std::string(code_name(asked.error().code));
}

TEST(FeedParameters, WithoutAnyAllOfItFromTheBeginning) {
  const FeedRequest asked = must_read("");
  EXPECT_EQ(asked.mode, FeedMode::normal);
  EXPECT_TRUE(std::holds_alternative<FromTheBeginning>(asked.since));
  EXPECT_FALSE(asked.limit);
  EXPECT_FALSE(asked.timeout);
  EXPECT_EQ(asked.heartbeat, milliseconds(15'000));
  EXPECT_FALSE(asked.include_docs);
  EXPECT_FALSE(asked.narrowed());
}

TEST(FeedParameters, AllOfThem) {
  const FeedRequest asked = must_read("feed=longpoll&since=" + uuid +
                                      "-7&limit=3&timeout=0&heartbeat=250&include_docs=true&kind="
                                      "videos,people&_id=a%2Cb&_id=c&views__gte=5&_id__in=a");
  EXPECT_EQ(asked.mode, FeedMode::longpoll);
  EXPECT_EQ(std::get<FeedSeq>(asked.since), (FeedSeq{uuid, {7, 0}}));
  EXPECT_EQ(asked.limit, 3U);
  EXPECT_EQ(asked.timeout, milliseconds(0));
  EXPECT_EQ(asked.heartbeat, milliseconds(250));
  EXPECT_TRUE(asked.include_docs);
  EXPECT_EQ(asked.kinds, (std::set<std::string, std::less<>>{"people", "videos"}));
  EXPECT_EQ(asked.ids, (std::set<std::string, std::less<>>{"a,b", "c"})) << "ids may have commas";
  ASSERT_EQ(asked.filters.size(), 2U);
  EXPECT_EQ(asked.filters[0].op, Operator::gte);
  EXPECT_EQ(asked.filters[1].op, Operator::in);
  EXPECT_TRUE(asked.narrowed());
}

TEST(FeedParameters, MembersCalledLikeAParameterTakeAnOperator) {
  const FeedRequest asked = must_read("kind__exact=x&since__gt=5&%2Flimit=3");
  ASSERT_EQ(asked.filters.size(), 3U);
  EXPECT_EQ(asked.filters[0].field.path, "/kind");
  EXPECT_EQ(asked.filters[1].field.path, "/since");
  EXPECT_EQ(asked.filters[2].field.path, "/limit");
  EXPECT_TRUE(asked.kinds.empty());
  for (const char* name :
       {"kind", "_id", "since", "feed", "limit", "timeout", "heartbeat", "include_docs"})
    EXPECT_TRUE(is_feed_parameter(name)) << name;
  EXPECT_FALSE(is_feed_parameter("views"));
}

TEST(FeedParameters, TheLastEventsIdBeatsSinceInAnEventStream) {
  const std::string seven = uuid + "-7";
  EXPECT_EQ(std::get<FeedSeq>(must_read("feed=eventsource&since=0", seven).since),
            (FeedSeq{uuid, {7, 0}}));
  EXPECT_EQ(std::get<FeedSeq>(must_read("feed=eventsource&since=now", seven).since),
            (FeedSeq{uuid, {7, 0}}));
  EXPECT_TRUE(std::holds_alternative<FromNow>(must_read("feed=eventsource&since=now", "").since));
  EXPECT_TRUE(std::holds_alternative<FromNowhere>(must_read("feed=eventsource", "42").since))
      << "a browser that is refused never comes back";
  EXPECT_TRUE(std::holds_alternative<FromNow>(must_read("feed=continuous&since=now", seven).since));
}

TEST(FeedParameters, WhatIsWrongIsSaid) {
  EXPECT_EQ(error_of("colour"), "none") << "absent members are asked for, too";
  EXPECT_EQ(error_of("_colour=red"), "unknown_parameter");
  EXPECT_EQ(error_of("_size=3"), "unknown_parameter");
  EXPECT_EQ(error_of("views__about=3"), "unknown_operator");
  EXPECT_EQ(error_of("feed=long"), "bad_parameter");
  EXPECT_EQ(error_of("feed=normal&feed=longpoll"), "bad_parameter");
  EXPECT_EQ(error_of("since=5"), "bad_parameter") << "of which history?";
  EXPECT_EQ(error_of("since="), "bad_parameter");
  EXPECT_EQ(error_of("since=" + uuid), "bad_parameter");
  EXPECT_EQ(error_of("since=0&since=now"), "bad_parameter");
  EXPECT_EQ(error_of("limit=0"), "bad_parameter");
  EXPECT_EQ(error_of("limit=-1"), "bad_parameter");
  EXPECT_EQ(error_of("timeout=600001"), "bad_parameter");
  EXPECT_EQ(error_of("heartbeat=0"), "bad_parameter");
  EXPECT_EQ(error_of("include_docs=perhaps"), "bad_parameter");
  EXPECT_EQ(error_of("kind=Videos"), "bad_parameter");
  for (const char* nothing : {"kind=", "kind=,", "_id=", "_id=a&_id="}) {
    EXPECT_EQ(error_of(nothing), "bad_parameter") << nothing;
  }
  EXPECT_EQ(error_of("since=" + uuid + "-3-5"), "bad_parameter") << "until before where it is";
}

}  // namespace
}  // namespace jcn
