// Every option of jcn, once: --help, the check for unknown keys, types and ranges, and the test of
// jcn.conf(5) are made from this table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config.h"

namespace jcn {

using OptionValue = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;

enum class OptionType : std::uint8_t {
  boolean,
  integer,  // low … high
  text,
  path,     // in the file: relative to the file's folder
  texts,    // an array of strings, or one string
  weights,  // a table of numbers from 0 to largest_weight; in the file only
};

inline constexpr double largest_weight = 1000;

struct OptionRow {
  std::string_view
      section;  // "": top level; "root", "token", "webhook", "kind", "rule" are arrays of tables
  std::string_view key;
  OptionType type;
  std::int64_t low, high;
  // "--index"; "--no-…" sets a boolean to false; texts may be given several times. Empty: members
  // of arrays of tables, which stand in the file only.
  std::string_view flag;
  std::string_view value_name;  // of the flag, for --help
  std::string_view meaning;
  // Puts a value of the row's type and range into the configuration. Null: members of arrays of
  // tables, which config_file.cc puts together.
  Result<void> (*set)(DaemonConfig& config, const OptionValue& value);
  // What is in force; null where `set` is. Lists have what was given beside the defaults.
  OptionValue (*get)(const DaemonConfig& config) = nullptr;
};

std::span<const OptionRow> option_table();

const OptionRow* find_option(std::string_view section, std::string_view key);
bool is_section(std::string_view name);
bool is_table_array(std::string_view section);

// "a boolean", "an integer from 1 to 9", … for messages.
std::string type_words(const OptionRow& row);

// The candidate with the smallest edit distance to `word`, if it is near enough to be meant;
// otherwise empty.
std::string_view nearest_word(std::string_view word,
                              const std::vector<std::string_view>& candidates);

}  // namespace jcn
