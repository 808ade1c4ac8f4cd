#include "jcn/tracked_time.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "jcn/time_text.h"

namespace jcn {
namespace {

constexpr const char* state = "/transcode/state";

// One fragment of a record: its body and its time.
struct Said {
  std::string body;
  std::int64_t mtime_ns;
};

// In the order of their ranks; handed over in another one.
std::optional<std::int64_t> since(const std::vector<Said>& said, const char* pointer = state,
                                  std::vector<MergeStrategy> merge = {}) {
  std::vector<Rule> rules(said.size());
  std::vector<Contribution> contributions;
  for (std::size_t i = 0; i < said.size(); ++i) {
    rules[i].rank = static_cast<std::int32_t>(i);
    rules[i].merge = merge;
    contributions.push_back({{"r", std::to_string(i) + ".json"}, &rules[i], said[i].body});
  }
  std::reverse(contributions.begin(), contributions.end());
  const Composition composition = compose(contributions, false);
  std::vector<FragmentInfo> fragments;
  for (std::size_t i = 0; i < said.size(); ++i) {
    fragments.push_back(
        {{"r", std::to_string(i) + ".json"}, said[i].body.size(), said[i].mtime_ns, false});
  }
  return tracked_time(pointer, contributions, composition.document, fragments);
}

TEST(TrackedTime, IsThatOfTheFileThatGivesTheState) {
  EXPECT_EQ(since({{R"({"transcode":{"state":"queued"}})", 5}}), 5);
  EXPECT_EQ(since({{R"({"transcode":{"state":"queued"}})", 5},
                   {R"({"transcode":{"state":"running","percent":4}})", 9},
                   {R"({"title":"edited"})", 20}}),
            9);
  // The last to say it, where several do.
  EXPECT_EQ(
      since({{R"({"transcode":{"state":"done"}})", 9}, {R"({"transcode":{"state":"done"}})", 5}}),
      5);
  EXPECT_EQ(
      since({{R"({"transcode":{"state":"done"}})", 9}, {R"({"transcode":{"percent":5}})", 50}}), 9);
}

TEST(TrackedTime, ThereIsNoneWithoutAState) {
  EXPECT_EQ(since({{"{}", 5}}), std::nullopt);
  EXPECT_EQ(since({{R"({"transcode":{"percent":1}})", 5}}), std::nullopt);
  EXPECT_EQ(since({{R"({"transcode":{"state":null}})", 5}}), std::nullopt);
  EXPECT_EQ(since({{R"({"transcode":"state"})", 5}}), std::nullopt);
  EXPECT_EQ(since({{R"({"transcode":{"state":"queued"}})", 5}, {R"({"transcode":null})", 6}}),
            std::nullopt);
}

TEST(TrackedTime, WhoWritesTheStateMaySaySinceWhen) {
  const std::int64_t told = *parse_rfc3339("2026-03-01T12:00:00Z");
  const std::string running =
      R"({"transcode":{"state":"running","since":"2026-03-01T13:00:00+01:00","percent":5}})";
  EXPECT_EQ(since({{running, 5}}), told);
  EXPECT_EQ(since({{R"({"transcode":{"state":"queued"}})", 5}, {running, 9}}), told);
  // Of another's state it says nothing: that of the one before is no answer.
  EXPECT_EQ(since({{running, 5}, {R"({"transcode":{"state":"failed"}})", 9}}), 9);
  for (const char* no_time : {"null", "5", "\"\"", "\"yesterday\"", "\"2026-03-01\"", "{}"}) {
    EXPECT_EQ(
        since({{R"({"transcode":{"state":"done","since":)" + std::string(no_time) + "}}", 7}}), 7)
        << no_time;
  }
}

TEST(TrackedTime, AnyPointerWillDo) {
  EXPECT_EQ(since({{R"({"state":1})", 3}}, "/state"), 3);
  EXPECT_EQ(since({{R"({"state":1,"since":"1970-01-01T00:00:00.000000042Z"})", 3}}, "/state"), 42);
  EXPECT_EQ(since({{R"({"since":"1970-01-01T00:00:01Z"})", 3}}, "/since"), 3)
      << "what is tracked is not taken for the time beside it";
  EXPECT_EQ(since({{R"({"a/b":{"~":{"x":[1]}}})", 3}}, "/a~1b/~0/x"), 3);
  EXPECT_EQ(since({{R"({"x":{"a":1}})", 3}, {R"({"x":{"b":1}})", 4}}, "/x"), 4)
      << "made of several: the last to speak";
}

TEST(TrackedTime, StrategiesDecideWhoWins) {
  const std::vector<MergeStrategy> largest = {{MergeStrategy::Kind::max, "/n"}};
  EXPECT_EQ(since({{R"({"n":5})", 3}, {R"({"n":4})", 9}}, "/n", largest), 3);
  const std::vector<MergeStrategy> together = {{MergeStrategy::Kind::union_of, "/n"}};
  EXPECT_EQ(since({{R"({"n":[1]})", 3}, {R"({"n":[2]})", 9}, {"{}", 11}}, "/n", together), 9);
}

}  // namespace
}  // namespace jcn
