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
