// Output for people: tables, a progress bar.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jcnctl {

// Columns of stdout's terminal; 80 when that is unknown.
std::size_t terminal_width();

// Whether stdout takes colours: a terminal that is not dumb, and nobody said NO_COLOR
// (https://no-color.org).
bool coloured();
enum class Colour : std::uint8_t { good = 32, doubtful = 33, bad = 31 };
// The text in that colour, where stdout takes it.
std::string in_colour(Colour colour, const std::string& text);

// Characters, as a terminal counts them roughly: code points.
std::size_t shown_width(std::string_view utf8);
bool starts_character(char c);  // of UTF-8
// Control characters made visible; cut to `width` with "…" where it is longer.
std::string fitted(std::string_view utf8, std::size_t width);

// Rows beneath headings; empty headings are not shown. The widest columns are cut where they don't
// all fit.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  // This column is never cut: each is all there is to go on with, or to tell one from another by.
  void keep_whole(std::size_t column) { whole_[column] = true; }
  void add(std::vector<std::string> row);
  bool empty() const { return rows_.size() == 1; }
  std::string text(std::size_t width) const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the first are the headings
  std::vector<bool> whole_;                     // by column
};

// "[#####.....]  42 %  9355 of 22255  31200/s  1 s left"; a rate of 0 is unknown, and not shown.
std::string progress_line(std::uint64_t done, std::uint64_t total, std::uint64_t rate_per_second,
                          std::size_t width);

}  // namespace jcnctl
