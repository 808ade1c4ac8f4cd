// Rows of an answer, to people or to programs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcnctl.h"
#include "jcnctl_table.h"

namespace jcnctl {

void print_line(std::string_view line);

// A JSON value as a table shows it: strings without their quotes.
std::string cell(std::string_view value);

// Programs get each row as it is, one a line. People get a table a page, so that columns can be
// set.
class Rows {
 public:
  // A field of an empty name stands for the rest of the row. `whole`: the field, if any, whose
  // column is never cut.
  Rows(const Context& context, std::vector<std::string> headings, std::vector<std::string> fields,
       std::optional<std::string_view> whole = std::nullopt);
  ~Rows() { flush(); }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  // Tables show what this makes of a row instead of its fields.
  using Cells = std::function<std::vector<std::string>(std::string_view row)>;
  void show_as(Cells cells) { cells_ = std::move(cells); }

  void add(std::string_view row);
  void flush();
  std::uint64_t count() const { return count_; }

 private:
  Table empty_table(std::vector<std::string> headings) const;

  bool json_;
  std::vector<std::string> fields_;
  std::optional<std::size_t> whole_;  // a column
  Cells cells_;
  Table table_;
  std::uint64_t count_ = 0;
};

// Adds the rows of one answer, while there are fewer than `limit` (0: any number). Errors: internal
// when it has none.
jcn::Result<void> add_page(const std::string& body, std::uint64_t limit, Rows& rows);
// Walks the pages of a daemon's listing.
jcn::Result<void> each_row(HttpClient& daemon, const std::string& target, std::uint64_t limit,
                           Rows& rows);

}  // namespace jcnctl
