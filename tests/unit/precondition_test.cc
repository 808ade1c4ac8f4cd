#include "precondition.h"

#include <gtest/gtest.h>

#include "entity_tag.h"

namespace jcn {
namespace {

const Hash128 content = hash128("content");
const std::string tag = entity_tag(content);
const Standing none{}, same{true, content}, other{true, hash128("other")}, unread{true, {}};

enum class Verdict { good, failed, required, missing };

Verdict verdict(const Result<void>& result) {
  if (result) return Verdict::good;
  if (result.error().code == Code::precondition_failed) return Verdict::failed;
  if (result.error().code == Code::precondition_required) return Verdict::required;
  EXPECT_EQ(result.error().code, Code::no_such_fragment);
  return Verdict::missing;
}

TEST(Precondition, OfAFileThatIsPut) {
  using enum Verdict;
  struct Row {
    Precondition given;
    Verdict none, same, other, unread;
  };
  const Row rows[] = {
      {{}, good, required, required, required},
      {{{}, "*"}, good, failed, failed, failed},
      {{{}, tag}, good, failed, required, required},
      {{"*", {}}, failed, good, good, good},
      {{tag, {}}, failed, good, failed, failed},
      {{"\"x\" , " + tag, {}}, failed, good, failed, failed},
      {{"W/" + tag, {}}, failed, failed, failed, failed},
      {{"", {}}, failed, failed, failed, failed},
      {{"\"\"", {}}, failed, failed, failed, failed},
      {{content.hex(), {}}, failed, failed, failed, failed},
      {{"*", "*"}, failed, failed, failed, failed},
      {{tag, "\"x\""}, failed, good, failed, failed},
  };
  for (const Row& row : rows) {
    const std::string said =
        row.given.if_match.value_or("-") + " " + row.given.if_none_match.value_or("-");
    EXPECT_EQ(verdict(may_put(row.given, none)), row.none) << said;
    EXPECT_EQ(verdict(may_put(row.given, same)), row.same) << said;
    EXPECT_EQ(verdict(may_put(row.given, other)), row.other) << said;
    EXPECT_EQ(verdict(may_put(row.given, unread)), row.unread) << said;
    EXPECT_EQ(verdict(may_remove(row.given, none)), missing) << said;
    EXPECT_EQ(verdict(may_remove(row.given, same)), row.same) << said;
    EXPECT_EQ(verdict(may_remove(row.given, other)), row.other) << said;
    EXPECT_EQ(verdict(may_remove(row.given, unread)), row.unread) << said;
  }
}

TEST(Precondition, TakesAnythingOnlyWhenItSaysSo) {
  EXPECT_TRUE(takes_anything({" * ", {}}));
  EXPECT_FALSE(takes_anything({{}, "*"}));
  EXPECT_FALSE(takes_anything({tag, {}}));
  EXPECT_FALSE(takes_anything({"*, " + tag, {}}));
}

}  // namespace
}  // namespace jcn
