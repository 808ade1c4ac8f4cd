#include "schema_format.h"

#include <arpa/inet.h>

#include <array>
#include <string>

#include "json_pointer.h"
#include "uri.h"

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Takes exactly `digits` digits from the front; -1 when there are fewer.
int take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return -1;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (!digit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == none) return false;
  text.remove_prefix(1);
  return true;
}

bool take_date(std::string_view& text) {
  const int year = take_number(text, 4);
  if (year < 0 || !take(text, "-")) return false;
  const int month = take_number(text, 2);
  if (month < 1 || month > 12 || !take(text, "-")) return false;
  const int day = take_number(text, 2);
  constexpr std::array<int, 12> lengths = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  const int length = lengths[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
  return day >= 1 && day <= length;
}

// RFC 3339 §5.6 full-time. A leap second may only stand where UTC has them: at 23:59:60.
bool take_time(std::string_view& text) {
  const int hour = take_number(text, 2);
  if (hour < 0 || hour > 23 || !take(text, ":")) return false;
  const int minute = take_number(text, 2);
  if (minute < 0 || minute > 59 || !take(text, ":")) return false;
  const int second = take_number(text, 2);
  if (second < 0 || second > 60) return false;
  if (take(text, ".")) {
    if (text.empty() || !digit(text.front())) return false;
    while (!text.empty() && digit(text.front())) text.remove_prefix(1);
  }
  int utc = hour * 60 + minute;
  if (!take(text, "Zz")) {
    const bool east = text.starts_with('+');
    if (!take(text, "+-")) return false;
    const int hours = take_number(text, 2);
    if (hours < 0 || hours > 23 || !take(text, ":")) return false;
    const int minutes = take_number(text, 2);
    if (minutes < 0 || minutes > 59) return false;
    const int offset = hours * 60 + minutes;
    utc = (utc + (east ? -offset : offset) + 2 * 24 * 60) % (24 * 60);
  }
  return second < 60 || utc == 23 * 60 + 59;
}

bool is_date(std::string_view text) {
  return take_date(text) && text.empty();
}
bool is_time(std::string_view text) {
  return take_time(text) && text.empty();
}
bool is_date_time(std::string_view text) {
  return take_date(text) && take(text, "Tt") && take_time(text) && text.empty();
}

// RFC 1123 §2.1: letters, digits and inner hyphens.
bool is_hostname(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const std::string_view label = text.substr(0, text.find('.'));
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
      return false;
    for (const char c : label) {
      if (!letter(c) && !digit(c) && c != '-') return false;
    }
    if (label.size() == text.size()) return true;
    text.remove_prefix(label.size() + 1);
  }
}

template <int Family>
bool is_address(std::string_view text) {
  std::array<unsigned char, 16> address{};
  const std::string copy(text);
  return copy.find('\0') == none && ::inet_pton(Family, copy.c_str(), address.data()) == 1;
}

// RFC 5321 §4.1.2: a dot-string or a quoted one, and a domain or an address in brackets.
bool is_email(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == none || at == 0 || at > 64) return false;
  const std::string_view local = text.substr(0, at), domain = text.substr(at + 1);
  if (local.size() >= 2 && local.front() == '"' && local.back() == '"') {
    const std::string_view inside = local.substr(1, local.size() - 2);
    for (std::size_t i = 0; i < inside.size(); ++i) {
      const bool escaped = inside[i] == '\\';
      if (escaped && ++i == inside.size()) return false;
      if (inside[i] < ' ' || inside[i] > '~' || (inside[i] == '"' && !escaped)) return false;
    }
  } else {
    char before = '.';
    for (const char c : local) {
      const bool dot = c == '.';
      if (dot ? before == '.'
              : !letter(c) && !digit(c) && std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) == none)
        return false;
      before = c;
    }
    if (before == '.') return false;
  }
  if (domain.starts_with("[") && domain.ends_with("]")) {
    const std::string_view address = domain.substr(1, domain.size() - 2);
    return address.starts_with("IPv6:") ? is_address<AF_INET6>(address.substr(5))
                                        : is_address<AF_INET>(address);
  }
  return is_hostname(domain);
}

bool is_json_pointer(std::string_view text) {
  return split_pointer(text).has_value();
}

// draft-handrews-relative-json-pointer-01 §3.
bool is_relative_json_pointer(std::string_view text) {
  std::size_t digits = 0;
  while (digits < text.size() && digit(text[digits])) ++digits;
  if (digits == 0 || (digits > 1 && text.front() == '0')) return false;
  text.remove_prefix(digits);
  return text == "#" || is_json_pointer(text);
}

constexpr std::array table = {
    FormatRow{"date", "a date such as 2026-03-01 (RFC 3339)", is_date},
    FormatRow{"time", "a time such as 12:30:00Z (RFC 3339)", is_time},
    FormatRow{"date-time", "a time such as 2026-03-01T12:30:00Z (RFC 3339)", is_date_time},
    FormatRow{"email", "a mail address (RFC 5321)", is_email},
    FormatRow{"hostname", "a host name (RFC 1123)", is_hostname},
    FormatRow{"ipv4", "an IPv4 address", is_address<AF_INET>},
    FormatRow{"ipv6", "an IPv6 address", is_address<AF_INET6>},
    FormatRow{"uri", "a URI (RFC 3986)", is_uri},
    FormatRow{"uri-reference", "a URI or a relative reference (RFC 3986)", is_uri_reference},
    FormatRow{"json-pointer", "a JSON Pointer (RFC 6901)", is_json_pointer},
    FormatRow{"relative-json-pointer", "a relative JSON Pointer", is_relative_json_pointer},
};

}  // namespace

const FormatRow* find_format(std::string_view name) {
  for (const FormatRow& row : table) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace jcn
