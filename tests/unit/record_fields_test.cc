#include <gtest/gtest.h>

#include <algorithm>

#include "index_lives.h"
#include "jcn/query.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

using Types = std::map<std::string, std::uint64_t>;
struct Summary {
  std::uint64_t records;
  Types types;
  bool operator==(const Summary&) const = default;
};
using Summaries = std::map<std::string, Summary>;

Summaries summaries(const Snapshot& snapshot, const std::string& kind = "videos") {
  Summaries found;
  const auto never = std::chrono::steady_clock::time_point::max();
  for (const FieldSummary& field : must(list_fields(snapshot, kind, never)).fields) {
    EXPECT_TRUE(found.emplace(field.name, Summary{field.records, field.types}).second)
        << field.name;
  }
  return found;
}

TEST(ListFields, CountsLivingRecordsByType) {
  const TemporaryFolder folder;
  const auto writer = open_writer(folder / "index");
  must(writer->publish(one("a", R"({"t":1,"o":{"x":null,"y.z":true},"l":["s",2,null]})")));
  must(writer->publish(one("b", R"({"t":"one","l":[{"k":1},{"k":"2"},[3]],"gone":1})")));
  must(writer->fold());
  must(writer->publish(one("b", R"({"t":"one","l":[{"k":1},{"k":"2"},[3]],"_id":5,"":6})")));
  must(writer->publish(one("c", R"({"t":{},"l":"s"})")));
  Batch orphan = one("d", "");
  orphan.records[{"videos", "d"}]->exists = false;
  must(writer->publish(std::move(orphan)));
  const Summaries wanted = {{"t", {3, {{"number", 1}, {"string", 1}, {"object", 1}}}},
                            {"o", {1, {{"object", 1}}}},
                            {"o.x", {1, {{"null", 1}}}},
                            {"/o/y.z", {1, {{"boolean", 1}}}},  // o.y.z is another field
                            {"l", {3, {{"array", 2}, {"string", 2}, {"number", 1}, {"null", 1}}}},
                            {"/l/~*", {1, {{"object", 1}, {"array", 1}, {"number", 1}}}},
                            {"/l/~*/k", {1, {{"number", 1}, {"string", 1}}}},
                            {"/_id", {1, {{"number", 1}}}},  // _id is every record's own
                            {"/", {1, {{"number", 1}}}}};
  EXPECT_EQ(summaries(must(writer->snapshot())), wanted);
  must(writer->fold());
  EXPECT_EQ(summaries(must(writer->snapshot())), wanted);
  EXPECT_TRUE(summaries(must(writer->snapshot()), "people").empty());
}

TEST(ListFields, NeverAPartOfThem) {
  const TemporaryFolder folder;
  const auto writer = open_writer(folder / "index");
  must(writer->publish(one("a", R"({"t":1})")));
  const auto fields =
      list_fields(must(writer->snapshot()), "videos", std::chrono::steady_clock::now());
  ASSERT_FALSE(fields.ok());
  EXPECT_EQ(fields.error().code, Code::query_timeout);
}

std::vector<std::string> names(const FieldList& list) {
  std::vector<std::string> names;
  for (const FieldSummary& field : list.fields) names.push_back(field.name);
  return names;
}

TEST(ListFields, OfTooManyThoseWithTheFewestSteps) {
  const auto never = std::chrono::steady_clock::time_point::max();
  const TemporaryFolder folder;
  const auto writer = open_writer(folder / "index");
  // Members that are named by what they are about, in two segments and in memory; some are gone.
  std::vector<std::string> wanted = {"views", "zone"};
  for (const char* half : {"a", "b"}) {
    std::string document = R"({"zone":1,"views":{)";
    for (std::size_t n = 0; n < 700; ++n) {
      const std::string name = half + std::to_string(1000 + n);
      document += (n == 0 ? "\"" : ",\"") + name + "\":1";
      if (wanted.size() < most_listed_fields) wanted.push_back("views." + name);
    }
    must(writer->publish(one("gone", document.substr(0, 13) + ",\"0\":{\"1\":1},\"views\":{}}")));
    must(writer->fold());
    must(writer->publish(one(half, document + "}}")));
  }
  must(writer->publish(one("gone", R"({"zone":2})")));
  for (const bool folded : {false, true}) {
    SCOPED_TRACE(folded ? "folded" : "fresh");
    if (folded) must(writer->fold());
    const Snapshot snapshot = must(writer->snapshot());
    const FieldList list = must(list_fields(snapshot, "videos", never));
    EXPECT_TRUE(list.truncated);
    std::vector<std::string> by_path = wanted;
    std::sort(by_path.begin(), by_path.end());
    EXPECT_EQ(names(list), by_path);
    EXPECT_EQ(list.fields.back().records, 3U);  // zone
    // Names end with the bytes that an answer may have, but one is always there.
    const FieldList few = must(list_fields(snapshot, "videos", never, 30));
    EXPECT_TRUE(few.truncated);
    EXPECT_EQ(names(few), (std::vector<std::string>{"views", "views.a1000", "zone"}));
    EXPECT_EQ(names(must(list_fields(snapshot, "videos", never, 0))),
              std::vector<std::string>{"views"});
  }
  must(writer->publish(one("a", R"({"zone":3})")));
  const FieldList rest = must(list_fields(must(writer->snapshot()), "videos", never));
  EXPECT_FALSE(rest.truncated);
  EXPECT_EQ(rest.fields.size(), 702U);
}

}  // namespace
}  // namespace jcn
