#include "names.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <set>

namespace jcn_export {
namespace {

TEST(Names, PlainNamesStayAsTheyAre) {
  EXPECT_EQ(identifier("title"), "title");
  EXPECT_EQ(identifier("Title2"), "Title2");
  EXPECT_EQ(identifier("_type"), "_type");
  EXPECT_EQ(identifier("título"), "título");
}

TEST(Names, OddCharactersBecomeUnderscores) {
  EXPECT_EQ(identifier("view-count"), "view_count");
  EXPECT_EQ(identifier("a b/c\"d"), "a_b_c_d");
  EXPECT_EQ(identifier("a\nb"), "a_b");
  EXPECT_EQ(identifier(std::string_view("a\0b", 3)), "a_b");
  EXPECT_EQ(identifier("720p"), "_720p");
  EXPECT_EQ(identifier(""), "_");
}

TEST(Names, LongNamesAreCutBetweenCharacters) {
  EXPECT_EQ(identifier(std::string(500, 'x')), std::string(longest_name, 'x'));
  std::string name(longest_name - 1, 'x');
  EXPECT_EQ(identifier(name + "é"), name);
}

TEST(Names, ReservedWordsGetAnUnderscoreInAnyCase) {
  EXPECT_EQ(identifier("order"), "order_");
  EXPECT_EQ(identifier("Group"), "Group_");
  EXPECT_EQ(identifier("current_date"), "current_date_");
  EXPECT_EQ(identifier("key"), "key");
}

// Whatever SQLite has for a keyword: the name that it becomes needs no quotes.
TEST(Names, EveryKeywordBecomesANameWithoutQuotes) {
  for (int i = 0; i < sqlite3_keyword_count(); ++i) {
    const char* text = nullptr;
    int length = 0;
    ASSERT_EQ(sqlite3_keyword_name(i, &text, &length), SQLITE_OK);
    const std::string name = identifier({text, static_cast<std::size_t>(length)});
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(":memory:", &database), SQLITE_OK);
    const std::string sql = "CREATE TABLE " + name + " (" + name + ", x); INSERT INTO " + name +
                            " (" + name + ") VALUES ('v'); SELECT max(" + name + "), " + name +
                            " FROM " + name + " AS t WHERE t." + name + " = 'v' GROUP BY " + name +
                            " ORDER BY " + name + ";";
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK)
        << name << ": " << error;
    sqlite3_free(error);
    sqlite3_close(database);
  }
}

TEST(Names, QuotesAreDoubled) {
  EXPECT_EQ(quoted("a\"b"), "\"a\"\"b\"");
}

TEST(Names, TakenNamesAreNumberedWhateverTheirCase) {
  NameSet names;
  EXPECT_EQ(names.take("id"), "id");
  EXPECT_EQ(names.take("ID"), "ID_2");
  EXPECT_EQ(names.take("Id"), "Id_3");
  EXPECT_EQ(names.take("id_2"), "id_2_2");
  EXPECT_TRUE(names.has("iD"));
  EXPECT_FALSE(names.has("name"));
}

}  // namespace
}  // namespace jcn_export
