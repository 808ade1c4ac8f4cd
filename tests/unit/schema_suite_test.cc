// The official test suite of JSON Schema: draft 4 as the corpora have it, and drafts 4, 6 and 7 as
// Debian's package json-schema-test-suite brings them, with the formats that are checked. Every
// case gets the verdict that the suite wants; schemas that need another document than themselves
// must be refused, and are listed here.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "corpora.h"
#include "jcn/canonical.h"
#include "jcn/check.h"
#include "jcn/schema.h"

namespace jcn {
namespace {

namespace fs = std::filesystem;

const fs::path packaged = "/usr/share/json-schema-test-suite/tests";

std::string canonical(std::string_view bytes) {
  auto checked = check_json(bytes, Limits{.max_bytes = 1 << 24});
  const auto* text = std::get_if<std::string>(&checked);
  EXPECT_TRUE(text) << std::get<Reject>(checked).message;
  return text ? *text : "null";
}

std::string text_of(std::string_view object, std::string_view name) {
  return json_unquote(json_member(object, name).value_or("\"\""));
}

// The suite's schemas mostly don't say of which draft they are.
std::string with_draft(std::string_view schema, const std::string& draft) {
  if (json_type(schema) != JsonType::object || json_member(schema, "$schema"))
    return std::string(schema);
  return R"({"$schema":"http://json-schema.org/draft-0)" + draft + R"(/schema#")" +
         (schema == "{}" ? "" : ",") + std::string(schema.substr(1));
}

struct Seen {
  std::size_t cases = 0;
  std::set<std::string> refused;  // "file: group"
  std::set<std::string> wrong;    // "file: group: case"
};

Seen run_file(const fs::path& file, const std::string& draft) {
  Seen seen;
  const std::string groups = canonical(file_bytes(file));
  for (JsonCursor group(groups); group.next();) {
    const std::string name =
        file.filename().string() + ": " + text_of(group.value(), "description");
    const auto compiled = Schema::compile(with_draft(*json_member(group.value(), "schema"), draft));
    const std::string cases(*json_member(group.value(), "tests"));
    for (JsonCursor one(cases); one.next();) {
      ++seen.cases;
      if (const auto* reject = std::get_if<Reject>(&compiled)) {
        EXPECT_EQ(reject->code, Code::bad_schema);
        EXPECT_TRUE(reject->pointer && reject->line) << name;
        seen.refused.insert(name);
        continue;
      }
      const auto violation = std::get<std::shared_ptr<const Schema>>(compiled)->check(
          *json_member(one.value(), "data"));
      if (violation.has_value() != (json_member(one.value(), "valid") == "false"))
        seen.wrong.insert(name + ": " + text_of(one.value(), "description"));
    }
  }
  return seen;
}

Seen run_folder(const fs::path& folder, const std::string& draft) {
  Seen all;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    Seen seen = run_file(entry.path(), draft);
    all.cases += seen.cases;
    all.refused.merge(seen.refused);
    all.wrong.merge(seen.wrong);
  }
  return all;
}

using Names = std::set<std::string>;

const Names need_another_document = {
    "ref.json: remote ref, containing refs itself",
    "refRemote.json: base URI change",
    "refRemote.json: base URI change - change folder",
    "refRemote.json: base URI change - change folder in subschema",
    "refRemote.json: fragment within remote ref",
    "refRemote.json: ref within remote ref",
    "refRemote.json: remote ref",
    "refRemote.json: root ref in remote ref",
};

Names with(Names names, const Names& more) {
  names.insert(more.begin(), more.end());
  return names;
}

TEST(SchemaSuite, Draft4OfTheCorpora) {
  JCN_CORPUS_OR_SKIP(folder, "json-conformance");
  const Seen seen = run_folder(folder / "jsonschema_draft4", "4");
  EXPECT_EQ(seen.cases, 618U);
  EXPECT_EQ(seen.wrong, Names{});
  EXPECT_EQ(seen.refused, with(need_another_document,
                               {"definitions.json: validate definition against metaschema",
                                "refRemote.json: Location-independent identifier in remote ref"}));
}

class PackagedSuite : public ::testing::TestWithParam<const char*> {};

TEST_P(PackagedSuite, Passes) {
  const std::string draft = GetParam();
  const fs::path folder = packaged / ("draft" + draft);
  if (!fs::is_directory(folder)) GTEST_SKIP() << "json-schema-test-suite is not installed";
  const Seen seen = run_folder(folder, draft);
  EXPECT_GT(seen.cases, 300U);
  EXPECT_EQ(seen.wrong, Names{});
  EXPECT_EQ(seen.refused, with(need_another_document, {"definitions.json: valid definition",
                                                       "definitions.json: invalid definition"}));
}

// Optional there, as every format is.
TEST(SchemaSuite, FormatsOfDraft7) {
  const fs::path folder = packaged / "draft7" / "optional";
  if (!fs::is_directory(folder)) GTEST_SKIP() << "json-schema-test-suite is not installed";
  for (const char* file :
       {"format/date.json", "format/date-time.json", "format/email.json", "format/hostname.json",
        "format/ipv4.json", "format/ipv6.json", "format/json-pointer.json",
        "format/relative-json-pointer.json", "format/time.json", "format/uri.json",
        "format/uri-reference.json", "bignum.json", "zeroTerminatedFloats.json"}) {
    const Seen seen = run_file(folder / file, "7");
    EXPECT_GT(seen.cases, 0U) << file;
    EXPECT_EQ(seen.wrong, Names{});
    EXPECT_EQ(seen.refused, Names{});
  }
}

INSTANTIATE_TEST_SUITE_P(Drafts, PackagedSuite, ::testing::Values("4", "6", "7"));

}  // namespace
}  // namespace jcn
