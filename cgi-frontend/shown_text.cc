#include "shown_text.h"

#include <array>
#include <cmath>
#include <cstdlib>

#include "jcn/canonical.h"
#include "jcn/utf8.h"

namespace cgi {
namespace {

constexpr std::string_view ellipsis = "…";

// Length of the character at `at`; a byte that is no UTF-8 is one.
std::size_t character(std::string_view text, std::size_t at) {
  const std::size_t length = jcn::utf8_length(text, at);
  return length == 0 ? 1 : length;
}

bool is_space(std::string_view character) {
  static constexpr std::array<std::string_view, 29> spaces = {
      "\t",     "\n",     "\v",     "\f",     "\r",     "\x1c",   "\x1d",   "\x1e",
      "\x1f",   " ",      "\u0085", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002",
      "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
      "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};
  for (const std::string_view space : spaces) {
    if (character == space) return true;
  }
  return false;
}

std::string two_digits(long value) {
  return (value < 10 ? "0" : "") + std::to_string(value);
}

// ---- times

// Reads a moment from its beginning.
class MomentReader {
 public:
  explicit MomentReader(std::string_view text) : rest_(text) {}

  bool literal(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Exactly so many digits, and a value between these.
  bool digits(std::size_t count, int least, int most, int& value) {
    if (rest_.size() < count) return false;
    value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return false;
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value >= least && value <= most;
  }
  bool fraction() {
    const std::size_t end = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    rest_.remove_prefix(end);
    return end > 0;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

int days_of(int year, int month) {
  constexpr std::array<int, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[static_cast<std::size_t>(month - 1)];
}

// HH:MM[:SS[.fraction]], or behind an offset's sign HH[:MM[:SS]].
bool read_clock(MomentReader& reader, bool offset) {
  int value = 0;
  if (!reader.digits(2, 0, 23, value)) return false;
  if (!reader.literal(':')) return offset && (reader.at_end() || reader.digits(2, 0, 59, value));
  if (!reader.digits(2, 0, 59, value)) return false;
  if (!reader.literal(':')) return true;
  if (!reader.digits(2, 0, 59, value)) return false;
  return (!reader.literal('.') && !reader.literal(',')) || reader.fraction();
}

}  // namespace

std::string exact_text(std::optional<std::string_view> json) {
  const bool is_string = json && jcn::json_type(*json) == jcn::JsonType::string;
  return is_string ? jcn::json_unquote(*json) : std::string();
}

std::string plain(std::string_view text, std::size_t limit) {
  std::string out;
  std::size_t at = 0, kept = 0, cut = 0;  // cut: where the last character that fits begins
  for (std::size_t read = 0; at < text.size() && read <= limit; ++read) {
    const std::size_t length = character(text, at);
    const bool line = text[at] == '\t' || text[at] == '\n' || text[at] == '\r';
    if (line || !jcn::is_control(text, at, length)) {
      if (++kept == limit) cut = out.size();
      out += text.substr(at, length);
    }
    at += length;
  }
  if (kept > limit) {
    out.resize(cut);
    out += ellipsis;
  }
  return out;
}

std::string plain_value(std::optional<std::string_view> json, std::size_t limit) {
  return plain(exact_text(json), limit);
}

std::optional<double> number(std::optional<std::string_view> json) {
  if (!json || jcn::json_type(*json) != jcn::JsonType::number) return std::nullopt;
  const double value = std::strtod(std::string(*json).c_str(), nullptr);
  if (!(std::abs(value) < 1e15)) return std::nullopt;
  return value;
}

std::optional<int> pixels(std::optional<std::string_view> json) {
  const auto value = number(json);
  if (!value || json->find_first_of(".eE") != json->npos) return std::nullopt;
  if (*value <= 0 || *value >= 100000) return std::nullopt;
  return static_cast<int>(*value);
}

std::string_view stripped(std::string_view text) {
  while (!text.empty() && is_space(text.substr(0, character(text, 0))))
    text.remove_prefix(character(text, 0));
  while (!text.empty()) {
    std::size_t begin = text.size() - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) --begin;
    if (!is_space(text.substr(begin))) break;
    text = text.substr(0, begin);
  }
  return text;
}

std::string_view first_characters(std::string_view text, std::size_t limit) {
  std::size_t at = 0;
  while (at < text.size() && limit-- > 0) at += character(text, at);
  return text.substr(0, at);
}

std::string truncated(std::string_view text, std::size_t limit) {
  if (first_characters(text, limit).size() == text.size()) return std::string(text);
  return std::string(first_characters(text, limit - 1)) + std::string(ellipsis);
}

std::string length(double seconds) {
  const auto all = static_cast<long>(seconds);
  const std::string rest = two_digits(all % 60);
  if (all < 3600) return std::to_string(all / 60) + ":" + rest;
  return std::to_string(all / 3600) + ":" + two_digits(all / 60 % 60) + ":" + rest;
}

std::string spoken_length(double seconds) {
  const auto all = static_cast<long>(seconds);
  return "PT" + std::to_string(all / 3600) + "H" + std::to_string(all / 60 % 60) + "M" +
         std::to_string(all % 60) + "S";
}

std::string grouped(std::uint64_t count) {
  std::string out = std::to_string(count);
  for (std::size_t at = out.size(); at > 3;) out.insert(at -= 3, 1, ',');
  return out;
}

std::string day(std::string_view moment) {
  static constexpr std::array<std::string_view, 12> months = {
      "January", "February", "March",     "April",   "May",      "June",
      "July",    "August",   "September", "October", "November", "December"};
  MomentReader reader(moment);
  int year = 0, month = 0, date = 0;
  const bool good = reader.digits(4, 1, 9999, year) && reader.literal('-') &&
                    reader.digits(2, 1, 12, month) && reader.literal('-') &&
                    reader.digits(2, 1, days_of(year, month), date) && reader.literal('T') &&
                    read_clock(reader, false) &&
                    (reader.literal('Z') || reader.at_end() ||
                     ((reader.literal('+') || reader.literal('-')) && read_clock(reader, true))) &&
                    reader.at_end();
  if (!good) return std::string(moment);
  return std::to_string(date) + " " + std::string(months[static_cast<std::size_t>(month - 1)]) +
         " " + std::to_string(year);
}

Html linked(std::string_view text) {
  constexpr std::size_t longest = 2000;  // characters behind the scheme
  constexpr std::string_view ends = "<>\"'`\\^{}|\x7f";
  Html out;
  std::size_t from = 0;  // what is before it has been written
  for (std::size_t at = 0; (at = text.find("http", at)) != text.npos;) {
    std::size_t end = at + 4 + (text.substr(at + 4, 1) == "s" ? 1 : 0);
    if (text.substr(end, 3) != "://") {
      at += 4;
      continue;
    }
    const std::size_t scheme_end = end += 3;
    for (std::size_t n = 0; n < longest && end < text.size(); ++n) {
      const std::string_view next = text.substr(end, character(text, end));
      const bool ended = static_cast<unsigned char>(next[0]) <= 0x20 ||
                         ends.find(next[0]) != ends.npos || is_space(next);
      if (ended) break;
      end += next.size();
    }
    const std::size_t last = text.substr(0, end).find_last_not_of(".,;:!?)");
    const auto address = Address::elsewhere(text.substr(at, last + 1 - at));
    if (end > scheme_end && address) {
      out.add_text(text.substr(from, at - from));
      out.add(R"(<a href="{}" rel="nofollow ugc noopener">{}</a>)", *address, address->text());
      from = last + 1;
    }
    at = end;
  }
  out.add_text(text.substr(from));
  return out;
}

}  // namespace cgi
