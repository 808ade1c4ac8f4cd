#include "jcn/time_text.h"

#include <array>
#include <chrono>

namespace jcn {
namespace {

using Days = std::chrono::sys_days;

struct Civil {
  std::chrono::year_month_day date;
  unsigned weekday;  // from Sunday, 0
  unsigned hour, minute, second, nanosecond;
};

Civil civil(std::int64_t ns) {
  using namespace std::chrono;
  const sys_time<nanoseconds> time{nanoseconds(ns)};
  const Days day = floor<days>(time);
  const hh_mm_ss<nanoseconds> clock(time - day);
  return {year_month_day(day),
          weekday(day).c_encoding(),
          static_cast<unsigned>(clock.hours().count()),
          static_cast<unsigned>(clock.minutes().count()),
          static_cast<unsigned>(clock.seconds().count()),
          static_cast<unsigned>(clock.subseconds().count())};
}

void digits(std::string& out, unsigned value, unsigned width) {
  char text[10];
  for (unsigned i = width; i > 0; --i) {
    text[i - 1] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(text, width);
}

void clock_time(std::string& out, const Civil& time) {
  digits(out, time.hour, 2);
  out += ':';
  digits(out, time.minute, 2);
  out += ':';
  digits(out, time.second, 2);
}

// 64-bit nanoseconds reach from 1677 to 2262: four digits always do.
unsigned year_of(const Civil& time) {
  return static_cast<unsigned>(static_cast<int>(time.date.year()));
}

}  // namespace

std::string rfc3339(std::int64_t ns) {
  const Civil time = civil(ns);
  std::string out;
  out.reserve(30);
  digits(out, year_of(time), 4);
  out += '-';
  digits(out, static_cast<unsigned>(time.date.month()), 2);
  out += '-';
  digits(out, static_cast<unsigned>(time.date.day()), 2);
  out += 'T';
  clock_time(out, time);
  out += '.';
  digits(out, time.nanosecond, 9);
  out += 'Z';
  return out;
}

namespace {

// Takes what it reads off the text.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : text_(text) {}
  // A number of exactly so many digits, from `low` to `high`.
  unsigned number(std::size_t width, unsigned low, unsigned high) {
    unsigned value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value * 10 + digit();
    ok_ = ok_ && value >= low && value <= high;
    return value;
  }
  // One of these characters; in small letters or large.
  char one_of(std::string_view characters) {
    const char c = text_.empty() ? '\0' : text_.front();
    const char large = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    ok_ = ok_ && !text_.empty() && characters.find(large) != std::string_view::npos;
    if (ok_) text_.remove_prefix(1);
    return large;
  }
  // What stands behind the seconds' point, if one is there.
  std::int64_t fraction_ns() {
    if (!text_.starts_with('.')) return 0;
    text_.remove_prefix(1);
    std::int64_t ns = digit();
    std::size_t digits = 1;
    while (!text_.empty() && text_.front() >= '0' && text_.front() <= '9') {
      const unsigned more = digit();
      if (digits++ < 9) ns = ns * 10 + more;
    }
    for (; digits < 9; ++digits) ns *= 10;
    return ns;
  }
  bool done() const { return ok_ && text_.empty(); }

 private:
  unsigned digit() {
    ok_ = ok_ && !text_.empty() && text_.front() >= '0' && text_.front() <= '9';
    if (!ok_) return 0;
    const auto value = static_cast<unsigned>(text_.front() - '0');
    text_.remove_prefix(1);
    return value;
  }
  std::string_view text_;
  bool ok_ = true;
};

}  // namespace

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  TimeReader in(text);
  const year y(static_cast<int>(in.number(4, 1678, 2261)));
  in.one_of("-");
  const month m(in.number(2, 1, 12));
  in.one_of("-");
  const day d(in.number(2, 1, 31));
  in.one_of("T ");
  const hours hour(in.number(2, 0, 23));
  in.one_of(":");
  const minutes minute(in.number(2, 0, 59));
  in.one_of(":");
  const seconds second(in.number(2, 0, 60));
  const nanoseconds fraction(in.fraction_ns());
  minutes offset{0};
  if (const char sign = in.one_of("Z+-"); sign == '+' || sign == '-') {
    offset = hours(in.number(2, 0, 23));
    in.one_of(":");
    offset += minutes(in.number(2, 0, 59));
    if (sign == '-') offset = -offset;
  }
  const year_month_day date(y, m, d);
  if (!in.done() || !date.ok()) return std::nullopt;
  const sys_time<nanoseconds> time = sys_days(date) + hour + minute + second + fraction - offset;
  return time.time_since_epoch().count();
}

std::string http_date(std::int64_t ns) {
  static constexpr const char* day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Civil time = civil(ns);
  std::string out;
  out.reserve(29);
  out += day_names[time.weekday];
  out += ", ";
  digits(out, static_cast<unsigned>(time.date.day()), 2);
  out += ' ';
  out += month_names[static_cast<unsigned>(time.date.month()) - 1];
  out += ' ';
  digits(out, year_of(time), 4);
  out += ' ';
  clock_time(out, time);
  out += " GMT";
  return out;
}

}  // namespace jcn
