#include <gtest/gtest.h>

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
  for (const FieldSummary& field : must(list_fields(snapshot, kind, never))) {
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

}  // namespace
}  // namespace jcn
