#include "match.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "jcn/record.h"
#include "jcn/time_text.h"
#include "json_pointer.h"
#include "value_key.h"

namespace jcn {
namespace {

// Both are canonical scalars of one type.
bool ordered(Operator op, std::string_view scalar, std::string_view operand) {
  const int order = compare_values(scalar, operand);
  switch (op) {
    case Operator::gt:
      return order > 0;
    case Operator::gte:
      return order >= 0;
    case Operator::lt:
      return order < 0;
    case Operator::lte:
      return order <= 0;
    default:
      return order == 0;
  }
}

bool has_text(Operator op, std::string_view scalar, std::string_view operand) {
  const std::string text = json_unquote(scalar), wanted = json_unquote(operand);
  if (op == Operator::startswith) return text.starts_with(wanted);
  if (op == Operator::endswith) return text.ends_with(wanted);
  return text.find(wanted) != std::string::npos;
}

// Of more operands, each once for every element would take too long.
constexpr std::size_t few_operands = 8;

// Equality with any of many operands, of which keys tell.
bool any_equals(const Filter& filter, std::string_view array) {
  std::unordered_set<std::string> keys;
  for (const std::string& operand : filter.operands) keys.insert(value_key(operand));
  return !for_each_scalar(
      array, [&](std::string_view scalar) { return !keys.contains(value_key(scalar)); });
}

bool means_equality(Operator op) {
  return op == Operator::exact || op == Operator::in || op == Operator::not_ ||
         op == Operator::arraycontains || op == Operator::arraynotcontains;
}

bool any_fulfils(const Filter& filter, std::string_view value) {
  if (filter.operands.size() > few_operands && means_equality(filter.op) &&
      json_type(value) == JsonType::array) {
    return any_equals(filter, value);
  }
  return !for_each_scalar(value,
                          [&](std::string_view scalar) { return !scalar_fulfils(filter, scalar); });
}

bool value_fulfils(const Filter& filter, std::optional<std::string_view> value) {
  switch (filter.op) {
    case Operator::isnull:
      return !value || json_type(*value) == JsonType::null;
    case Operator::notnull:
      return value && json_type(*value) != JsonType::null;
    case Operator::not_:
      return value && !any_fulfils(filter, *value);
    case Operator::arraycontains:
      return value && json_type(*value) == JsonType::array && any_fulfils(filter, *value);
    case Operator::arraynotcontains:
      return value && json_type(*value) == JsonType::array && !any_fulfils(filter, *value);
    default:
      return value && any_fulfils(filter, *value);
  }
}

}  // namespace

std::optional<std::string_view> member_at(std::string_view document, const Field& field) {
  if (field.may_index) return json_at(document, field.path);
  const auto names = split_pointer(field.path);
  if (!names) return std::nullopt;
  std::optional<std::string_view> value = document;
  for (const std::string& name : *names) {
    value = json_member(*value, name);
    if (!value) break;
  }
  return value;
}

bool scalar_fulfils(const Filter& filter, std::string_view scalar) {
  return std::any_of(
      filter.operands.begin(), filter.operands.end(), [&](const std::string& operand) {
        if (json_type(scalar) != json_type(operand)) return false;
        switch (filter.op) {
          case Operator::contains:
          case Operator::startswith:
          case Operator::endswith:
            return json_type(scalar) == JsonType::string && has_text(filter.op, scalar, operand);
          default:
            return ordered(filter.op, scalar, operand);
        }
      });
}

bool matches(const Filter& filter, const Record& record) {
  if (!record.exists) return false;
  std::string computed;
  switch (filter.field.kind) {
    case Field::Kind::member:
      return value_fulfils(filter, member_at(record.document, filter.field));
    case Field::Kind::id:
      computed = record.key.id;
      break;
    case Field::Kind::created:
      computed = rfc3339(record.created_ns());
      break;
    case Field::Kind::updated:
      computed = rfc3339(record.updated_ns());
      break;
    case Field::Kind::since:
      if (!record.since_ns) return value_fulfils(filter, std::nullopt);
      computed = rfc3339(*record.since_ns);
      break;
  }
  return value_fulfils(filter, json_quote(computed));
}

bool matches_all(const std::vector<Filter>& filters, const Record& record) {
  return std::all_of(filters.begin(), filters.end(),
                     [&](const Filter& filter) { return matches(filter, record); });
}

}  // namespace jcn
