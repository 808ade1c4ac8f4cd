#include "names.h"

#include <algorithm>
#include <array>

#include "jcn/utf8.h"

namespace jcn_export {
namespace {

// What SQLite does not take everywhere for the name of a column or table without quotes, or takes
// for a value of its own (current_date). https://sqlite.org/lang_keywords.html; ascending.
constexpr auto reserved = std::to_array<std::string_view>({"add",
                                                           "all",
                                                           "alter",
                                                           "and",
                                                           "as",
                                                           "autoincrement",
                                                           "between",
                                                           "case",
                                                           "cast",
                                                           "check",
                                                           "collate",
                                                           "commit",
                                                           "constraint",
                                                           "create",
                                                           "current_date",
                                                           "current_time",
                                                           "current_timestamp",
                                                           "default",
                                                           "deferrable",
                                                           "delete",
                                                           "distinct",
                                                           "drop",
                                                           "else",
                                                           "escape",
                                                           "except",
                                                           "exists",
                                                           "foreign",
                                                           "from",
                                                           "group",
                                                           "having",
                                                           "if",
                                                           "in",
                                                           "index",
                                                           "insert",
                                                           "intersect",
                                                           "into",
                                                           "is",
                                                           "isnull",
                                                           "join",
                                                           "limit",
                                                           "not",
                                                           "nothing",
                                                           "notnull",
                                                           "null",
                                                           "on",
                                                           "or",
                                                           "order",
                                                           "primary",
                                                           "raise",
                                                           "references",
                                                           "returning",
                                                           "select",
                                                           "set",
                                                           "table",
                                                           "then",
                                                           "to",
                                                           "transaction",
                                                           "union",
                                                           "unique",
                                                           "update",
                                                           "using",
                                                           "values",
                                                           "when",
                                                           "where"});
static_assert(std::is_sorted(reserved.begin(), reserved.end()));

char folded(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string fold(std::string_view name) {
  std::string result(name);
  for (char& c : result) c = folded(c);
  return result;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool may_stand(char c) {
  return (folded(c) >= 'a' && folded(c) <= 'z') || is_digit(c) || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

bool reserved_word(std::string_view word) {
  return std::binary_search(reserved.begin(), reserved.end(), fold(word));
}

std::string identifier(std::string_view text) {
  std::string name;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = std::max<std::size_t>(jcn::utf8_length(text, at), 1);
    if (name.size() + length > longest_name) break;
    for (const char c : text.substr(at, length)) name += may_stand(c) ? c : '_';
    at += length;
  }
  if (name.empty() || is_digit(name.front())) name.insert(name.begin(), '_');
  if (reserved_word(name)) name += '_';
  return name;
}

std::string quoted(std::string_view name) {
  std::string result = "\"";
  for (const char c : name) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

std::string NameSet::take(std::string_view wanted) {
  std::string name(wanted);
  for (std::size_t number = 2; !folded_.insert(fold(name)).second; ++number) {
    name = std::string(wanted) + '_' + std::to_string(number);
  }
  return name;
}

bool NameSet::has(std::string_view name) const {
  return folded_.contains(fold(name));
}

}  // namespace jcn_export
