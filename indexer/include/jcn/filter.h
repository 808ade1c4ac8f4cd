// Filter: one condition on a record, as DESIGN "Filters, exactly" has it (jcn/doc/http-api.md says
// it for users). Pure, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/field.h"
#include "jcn/record.h"
#include "jcn/result.h"

namespace jcn {

enum class Operator : std::uint8_t {
  exact,
  not_,
  gt,
  gte,
  lt,
  lte,
  in,
  contains,
  startswith,
  endswith,
  isnull,
  notnull,
  arraycontains,
  arraynotcontains,
};
inline constexpr std::size_t operators = 14;
std::string_view operator_name(Operator op);  // as in field__op
std::optional<Operator> operator_from_name(std::string_view name);

struct Filter {
  Field field;
  Operator op = Operator::exact;
  // Canonical scalars; what any of them gives is united. `5` for exact gives "5" and 5. Of
  // contains, startswith and endswith: one string. Of isnull and notnull: none.
  std::vector<std::string> operands;
  std::string name, value;  // as given
  bool operator==(const Filter&) const = default;
};

// "duration__gte", "600". The name is split at its last "__"; without one the operator is exact.
// isnull and notnull take 1/true/on/"" or 0/false/off, which is the other of the two.
// Errors: unknown_operator, bad_field, bad_value.
Result<Filter> parse_filter(std::string_view name, std::string_view value);

// Whether a name in a query string is a filter rather than a parameter: it does not begin with '_',
// or ends in "__" and a known operator.
bool names_filter(std::string_view name);

// Whether an existing record fulfils it, by reading its document. The slow, plain statement of what
// the index answers fast.
bool matches(const Filter& filter, const Record& record);
bool matches_all(const std::vector<Filter>& filters, const Record& record);

}  // namespace jcn
