#include "jcn/codes.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace jcn {
namespace {

TEST(Codes, TableStandsInTheOrderOfTheEnumeration) {
  for (std::size_t i = 0; i < code_table.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(code_table[i].code), i) << code_table[i].name;
  }
}

TEST(Codes, NamesAreSnakeCaseAndUnique) {
  std::set<std::string_view> names;
  for (const CodeRow& row : code_table) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"),
              std::string_view::npos);
    EXPECT_FALSE(row.meaning.empty());
    EXPECT_EQ(row.meaning.back(), '.');
  }
}

TEST(Codes, NameAndBack) {
  for (const CodeRow& row : code_table) {
    EXPECT_EQ(code_name(row.code), row.name);
    EXPECT_EQ(code_from_name(row.name), row.code);
  }
  EXPECT_EQ(code_name(Code::byte_order_mark), "byte_order_mark");
  EXPECT_FALSE(code_from_name("no_such_code"));
  EXPECT_FALSE(code_from_name(""));
}

TEST(Codes, VerdictsComeFirst) {
  for (const CodeRow& row : code_table) {
    EXPECT_EQ(row.reject, row.code <= Code::schema_violation) << row.name;
  }
}

}  // namespace
}  // namespace jcn
