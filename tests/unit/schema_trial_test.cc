#include "jcn/schema_trial.h"

#include <algorithm>
#include <set>

#include "files_index.h"

namespace jcn {
namespace {

class Trial : public FilesIndex {
 protected:
  SchemaTrialPage page(const std::string& schema, SchemaTrialQuery query = {.kind = "videos"}) {
    const auto compiled = std::get<std::shared_ptr<const Schema>>(Schema::compile(schema));
    return must(try_schema(must(writer->snapshot()), *compiled, query));
  }
};

TEST_F(Trial, ChecksEachFragmentThatIsGoodNow) {
  put("a.json", R"({"id":"x","t":1})");
  put("b.json", R"({"id":"x","u":1})");
  put("c.json", R"({"id":"y","t":"1"})");
  put("d.json", "{broken");
  put("e.json", R"({"id":"z","t":1})");
  put("e.json", "{broken now");
  for (const bool folded : {false, true}) {
    if (folded) fold();
    const SchemaTrialPage found =
        page(R"({"required":["t"],"properties":{"t":{"type":"number"}}})");
    EXPECT_EQ(found.checked, 3U) << "neither d.json nor e.json's last good content";
    ASSERT_EQ(found.failures.size(), 2U);
    EXPECT_EQ(found.failures[0].name.path, "b.json");
    EXPECT_EQ(found.failures[0].id, "x");
    EXPECT_EQ(found.failures[0].violation.pointer, "");
    EXPECT_EQ(found.failures[1].name.path, "c.json");
    EXPECT_EQ(found.failures[1].violation.pointer, "/t");
    EXPECT_FALSE(found.next);
  }
  EXPECT_EQ(page("true").checked, 3U);
  EXPECT_TRUE(page("true").failures.empty());
  EXPECT_EQ(page("false", {.kind = "none"}).checked, 0U);
}

TEST_F(Trial, ChecksOrphansToo) {
  Rule anchor;
  anchor.match = "main/*.json";
  anchor.anchor = true;
  rules.rules.insert(rules.rules.begin(), anchor);
  put("a.json", R"({"id":"x","t":1})");
  const SchemaTrialPage found = page("false");
  EXPECT_EQ(found.checked, 1U);
  EXPECT_EQ(found.failures.size(), 1U);
}

TEST_F(Trial, GoesOnPageByPage) {
  for (int i = 10; i < 40; ++i) {
    put(std::to_string(i) + ".json",
        R"({"id":")" + std::to_string(i) + R"(","n":)" + std::to_string(i % 3) + "}");
  }
  for (const bool by_time : {false, true}) {
    SchemaTrialQuery query{.kind = "videos"};
    query.size = 4;
    if (by_time) query.until = std::chrono::steady_clock::time_point::min();
    std::uint64_t checked = 0, pages = 0;
    std::set<std::string> failed;
    for (;;) {
      SchemaTrialPage found = page(R"({"properties":{"n":{"maximum":1}}})", query);
      ++pages;
      checked += found.checked;
      for (const SchemaFailure& failure : found.failures)
        EXPECT_TRUE(failed.insert(failure.id).second);
      if (!found.next) break;
      query.after = found.next;
    }
    EXPECT_EQ(checked, 30U);
    EXPECT_EQ(failed.size(), 10U);
    EXPECT_EQ(pages, by_time ? 30U : 3U);
  }
}

// A record may be made of very many files.
TEST_F(Trial, PagesMayEndWithinARecord) {
  for (int i = 10; i < 20; ++i) put(std::to_string(i) + ".json", R"({"id":"x"})");
  put("z.json", R"({"id":"y"})");
  SchemaTrialQuery query{.kind = "videos"};
  query.size = 3;
  std::vector<std::string> failed;
  for (;;) {
    SchemaTrialPage found = page("false", query);
    EXPECT_LE(found.failures.size(), 3U);
    for (const SchemaFailure& failure : found.failures) failed.push_back(failure.name.path);
    if (!found.next) break;
    query.after = found.next;
  }
  EXPECT_EQ(failed.size(), 11U);
  EXPECT_TRUE(std::is_sorted(failed.begin(), failed.end()));
  EXPECT_EQ(std::set<std::string>(failed.begin(), failed.end()).size(), 11U);
}

}  // namespace
}  // namespace jcn
