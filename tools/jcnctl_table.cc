#include "jcnctl_table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace jcnctl {

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

std::size_t terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

bool coloured() {
  const char* const unwanted = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) != 0 && (unwanted == nullptr || *unwanted == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

std::string in_colour(Colour colour, const std::string& text) {
  if (!coloured()) return text;
  return "\x1b[" + std::to_string(static_cast<int>(colour)) + "m" + text + "\x1b[0m";
}

std::size_t shown_width(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), starts_character));
}

std::string fitted(std::string_view utf8, std::size_t width) {
  const bool cut = shown_width(utf8) > width;
  std::string out;
  std::size_t shown = 0;
  for (const char c : utf8) {
    if (starts_character(c) && cut && shown + 1 >= width) break;
    if (starts_character(c)) ++shown;
    // Text of other people: no control character of theirs reaches the terminal.
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F ? '?' : c;
  }
  if (cut && width > 0) out += "…";
  return out;
}

Table::Table(std::vector<std::string> headings) : whole_(headings.size()) {
  rows_.push_back(std::move(headings));
}

void Table::add(std::vector<std::string> row) {
  row.resize(rows_.front().size());
  rows_.push_back(std::move(row));
}

std::string Table::text(std::size_t width) const {
  const std::size_t columns = rows_.front().size();
  std::vector<std::size_t> widths(columns, 1);
  std::size_t total = 0;  // of columns and the two spaces behind each
  for (std::size_t i = 0; i < columns; ++i) {
    for (const auto& row : rows_) {
      const std::size_t shown = shown_width(row[i]);
      widths[i] = std::max(widths[i], whole_[i] ? shown : std::min(shown, width));
    }
    total += widths[i] + 2;
  }
  // What is too wide is taken from the widest columns; below 8 none says anything any more.
  for (; total > width + 2; --total) {
    std::size_t widest = columns;
    for (std::size_t i = 0; i < columns; ++i) {
      if (!whole_[i] && (widest == columns || widths[i] > widths[widest])) widest = i;
    }
    if (widest == columns || widths[widest] <= 8) break;
    --widths[widest];
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < columns; ++i) {
      const std::string cell = fitted(row[i], widths[i]);
      line += cell;
      if (i + 1 < columns) line.append(widths[i] - shown_width(cell) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    if (&row == &rows_.front() && line.empty()) continue;
    out += line + "\n";
  }
  return out;
}

std::string progress_line(std::uint64_t done, std::uint64_t total, std::uint64_t rate,
                          std::size_t width) {
  total = std::max(total, done);
  const double part = total == 0 ? 0 : static_cast<double>(done) / static_cast<double>(total);
  std::string words = "  " + std::to_string(static_cast<int>(part * 100)) + " %  " +
                      std::to_string(done) + " of " + std::to_string(total);
  if (rate > 0) {
    words += "  " + std::to_string(rate) + "/s  " +
             std::to_string((total - done + rate - 1) / rate) + " s left";
  }
  if (width < words.size() + 8) return words.substr(2);
  const std::size_t bar = std::min<std::size_t>(40, width - words.size() - 3);
  const auto full = static_cast<std::size_t>(part * static_cast<double>(bar));
  return "[" + std::string(full, '#') + std::string(bar - full, '.') + "]" + words;
}

}  // namespace jcnctl
