// The total order of values. Numbers are compared as the decimals that their texts are: no double,
// no rounding, no limit on digits or exponents.
#include <algorithm>

#include "decimal.h"
#include "jcn/canonical.h"

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;

int sign_of(int comparison) {
  return (comparison > 0) - (comparison < 0);
}

int compare_strings(std::string_view a, std::string_view b) {
  if (a.find('\\') == none && b.find('\\') == none) {
    return sign_of(a.substr(1, a.size() - 2).compare(b.substr(1, b.size() - 2)));
  }
  return sign_of(json_unquote(a).compare(json_unquote(b)));
}

int compare_arrays(std::string_view a, std::string_view b) {
  JsonCursor in_a(a), in_b(b);
  for (;;) {
    const bool more_a = in_a.next(), more_b = in_b.next();
    if (!more_a || !more_b) return static_cast<int>(more_a) - static_cast<int>(more_b);
    if (const int order = compare_values(in_a.value(), in_b.value())) return order;
  }
}

std::vector<std::pair<std::string_view, std::string_view>> sorted_members(std::string_view object) {
  std::vector<std::pair<std::string_view, std::string_view>> members;
  JsonCursor cursor(object);
  while (cursor.next()) members.emplace_back(cursor.name(), cursor.value());
  std::sort(members.begin(), members.end(),
            [](const auto& a, const auto& b) { return compare_strings(a.first, b.first) < 0; });
  return members;
}

// Member order says nothing: as lists of (name, value), sorted by name.
int compare_objects(std::string_view a, std::string_view b) {
  const auto in_a = sorted_members(a), in_b = sorted_members(b);
  for (std::size_t i = 0; i < in_a.size() && i < in_b.size(); ++i) {
    if (const int order = compare_strings(in_a[i].first, in_b[i].first)) return order;
    if (const int order = compare_values(in_a[i].second, in_b[i].second)) return order;
  }
  return (in_a.size() > in_b.size()) - (in_a.size() < in_b.size());
}

}  // namespace

int compare_numbers(std::string_view a, std::string_view b) {
  return compare(Decimal(a), Decimal(b));
}

int compare_values(std::string_view a, std::string_view b) {
  const JsonType type = json_type(a);
  if (const JsonType other = json_type(b); type != other) {
    // The enumeration stands in this order.
    return type < other ? -1 : 1;
  }
  switch (type) {
    case JsonType::null:
      return 0;
    case JsonType::boolean:
      return static_cast<int>(a.front() == 't') - static_cast<int>(b.front() == 't');
    case JsonType::number:
      return compare_numbers(a, b);
    case JsonType::string:
      return compare_strings(a, b);
    case JsonType::array:
      return compare_arrays(a, b);
    case JsonType::object:
      return compare_objects(a, b);
  }
  return 0;
}

}  // namespace jcn
