#include "jcn/filter.h"

#include <algorithm>
#include <array>

#include "jcn/canonical.h"
#include "jcn/check.h"
#include "jcn/utf8.h"

namespace jcn {
namespace {

constexpr std::size_t none = std::string_view::npos;

// In the order of the enumeration.
constexpr std::array<std::string_view, operators> operator_names = {
    "exact",    "not",        "gt",       "gte",    "lt",      "lte",           "in",
    "contains", "startswith", "endswith", "isnull", "notnull", "arraycontains", "arraynotcontains"};

bool digit_at(std::string_view text, std::size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (digit_at(text, at)) ++at;
  return at;
}

// Exactly the grammar of RFC 8259 §6.
bool is_json_number(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  if (!digit_at(text, at)) return false;
  at = text[at] == '0' ? at + 1 : skip_digits(text, at);
  if (at < text.size() && text[at] == '.') {
    if (!digit_at(text, at + 1)) return false;
    at = skip_digits(text, at + 1);
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digit_at(text, at)) return false;
    at = skip_digits(text, at);
  }
  return at == text.size();
}

// A value as a string and, where it is one, as a number, true or false.
void append_readings(std::vector<std::string>& operands, std::string_view value) {
  operands.push_back(json_quote(value));
  if (value == "true" || value == "false" || is_json_number(value)) operands.emplace_back(value);
}

Error bad_value(std::string_view name, std::string_view why) {
  return Error{Code::bad_value, std::string(name) + ": " + std::string(why)};
}

// A JSON array of scalars.
Result<std::vector<std::string>> listed_scalars(std::string_view name, std::string_view value) {
  const auto checked = check_json(value, Limits{});
  const auto* text = std::get_if<std::string>(&checked);
  if (!text) return bad_value(name, "no JSON array: " + std::get<Reject>(checked).message);
  std::vector<std::string> scalars;
  for (JsonCursor cursor(*text); cursor.next();) {
    if (json_type(cursor.value()) > JsonType::string) {
      return bad_value(name, "arrays and objects can't be in its list");
    }
    scalars.emplace_back(cursor.value());
  }
  return scalars;
}

Result<std::vector<std::string>> read_list(std::string_view name, std::string_view value) {
  if (value.starts_with('[')) return listed_scalars(name, value);
  std::vector<std::string> operands;
  for (std::size_t at = 0;;) {
    const std::size_t comma = value.find(',', at);
    append_readings(operands, value.substr(at, comma == none ? none : comma - at));
    if (comma == none) return operands;
    at = comma + 1;
  }
}

// Ids are strings, and an integer is an id by its text.
void read_as_ids(std::vector<std::string>& operands) {
  for (std::string& operand : operands) {
    if (const auto id = id_of_integer(operand)) operand = json_quote(*id);
  }
}

std::optional<bool> read_flag(std::string_view value) {
  if (value.empty() || value == "1" || value == "true" || value == "on") return true;
  if (value == "0" || value == "false" || value == "off") return false;
  return std::nullopt;
}

}  // namespace

std::string_view operator_name(Operator op) {
  return operator_names[static_cast<std::size_t>(op)];
}

std::optional<Operator> operator_from_name(std::string_view name) {
  const auto found = std::find(operator_names.begin(), operator_names.end(), name);
  if (found == operator_names.end()) return std::nullopt;
  return static_cast<Operator>(found - operator_names.begin());
}

Result<Filter> parse_filter(std::string_view name, std::string_view value) {
  Filter filter;
  filter.name = name;
  filter.value = value;
  std::string_view field = name;
  if (const std::size_t split = name.rfind("__"); split != none) {
    const std::string_view op_name = name.substr(split + 2);
    const auto op = operator_from_name(op_name);
    if (!op) {
      return Error{
          Code::unknown_operator,
          "no operator " + std::string(op_name) + " in " + std::string(name),
          "a field with __ in its name takes an operator: " + std::string(name) + "__exact"};
    }
    filter.op = *op;
    field = name.substr(0, split);
  }
  JCN_TRY(filter.field, parse_field(field));
  if (find_invalid_utf8(value) != none) return bad_value(name, "its value is not UTF-8");
  switch (filter.op) {
    case Operator::isnull:
    case Operator::notnull: {
      const auto flag = read_flag(value);
      if (!flag) return bad_value(name, "takes 1 or 0, not " + json_quote(value));
      if (!*flag) {
        filter.op = filter.op == Operator::isnull ? Operator::notnull : Operator::isnull;
      }
      break;
    }
    case Operator::contains:
    case Operator::startswith:
    case Operator::endswith:
      filter.operands.push_back(json_quote(value));
      break;
    case Operator::in: {
      JCN_TRY(filter.operands, read_list(name, value));
      if (filter.field.kind == Field::Kind::id) read_as_ids(filter.operands);
      break;
    }
    default:
      append_readings(filter.operands, value);
      break;
  }
  return filter;
}

bool names_filter(std::string_view name) {
  if (!name.starts_with('_')) return true;
  const std::size_t split = name.rfind("__");
  return split != none && operator_from_name(name.substr(split + 2)).has_value();
}

}  // namespace jcn
