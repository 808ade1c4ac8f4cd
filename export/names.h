// Names of tables and columns: what members and kinds are called → what SQL can be written with.
// Pure: the same names always become the same, whatever came first. (doc/schema.md: Names)
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace jcn_export {

inline constexpr std::size_t longest_name = 120;  // bytes, before what makes it unique

// A name that needs no quotes where SQLite takes it: ASCII characters other than letters, digits
// and '_' become '_'; a digit in front, or no name at all, gets a '_' before it; a reserved word
// one behind. What is not ASCII stays. Long names are cut.
std::string identifier(std::string_view text);
bool reserved_word(std::string_view word);  // in any case

// "name", with quotes doubled: as SQL takes any name.
std::string quoted(std::string_view name);

// The names of one table, or of one file. SQLite does not tell ASCII case apart.
class NameSet {
 public:
  // `wanted`, or if it is taken `wanted` with the first free of _2, _3, …
  std::string take(std::string_view wanted);
  bool has(std::string_view name) const;

 private:
  std::set<std::string> folded_;
};

}  // namespace jcn_export
