#include "config_table.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

namespace jcn {
namespace {

TEST(ConfigTable, StandsInOrderWithoutDoubles) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const OptionRow& row : option_table()) {
    EXPECT_TRUE(seen.emplace(row.section, row.key).second) << row.key;
    EXPECT_FALSE(row.meaning.empty()) << row.key;
    EXPECT_EQ(row.set == nullptr, is_table_array(row.section)) << row.key;
    EXPECT_EQ(row.type == OptionType::integer, row.low < row.high) << row.key;
  }
}

// jcn.conf(5) documents each key as ".It Va key" below ".Ss [section]" and no other.
TEST(ConfigTable, IsWhatTheManPageDocuments) {
  std::ifstream page(JCN_SOURCE_DIR "/jcn/doc/jcn.conf.5");
  ASSERT_TRUE(page.is_open());
  std::set<std::pair<std::string, std::string>> documented, known;
  std::string line, section;
  while (std::getline(page, line)) {
    if (line.starts_with(".Ss ")) {
      section = line.substr(4);
      std::erase_if(section, [](char c) { return c == '[' || c == ']'; });
      if (section == "Top level") section.clear();
    } else if (line.starts_with(".It Va ")) {
      std::istringstream words(line.substr(7));
      std::string key;
      words >> key;
      documented.emplace(section, key);
    }
  }
  for (const OptionRow& row : option_table()) known.emplace(row.section, row.key);
  EXPECT_EQ(documented, known);
}

// jcn(8) documents each option.
TEST(ConfigTable, FlagsStandInTheManPage) {
  std::ifstream file(JCN_SOURCE_DIR "/jcn/doc/jcn.8");
  ASSERT_TRUE(file.is_open());
  std::set<std::string> documented;  // ".It Fl Fl a Ar X , Fl Fl b Ar Y" documents a and b
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(".It ")) continue;
    std::istringstream words(line);
    std::string before, last, word;
    for (; words >> word; before = last, last = word) {
      if (before == "Fl" && last == "Fl") documented.insert(word);
    }
  }
  for (const OptionRow& row : option_table()) {
    if (row.flag.empty()) continue;
    EXPECT_TRUE(documented.contains(std::string(row.flag.substr(2)))) << row.flag;
  }
}

}  // namespace
}  // namespace jcn
