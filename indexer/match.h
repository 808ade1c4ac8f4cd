// Match: what a filter says of one document and of one value. Pure, thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "jcn/canonical.h"
#include "jcn/field.h"
#include "jcn/filter.h"

namespace jcn {

// A member field's value in a document.
std::optional<std::string_view> member_at(std::string_view document, const Field& field);

// The scalars that conditions look at: the value itself, or those directly in it when it is an
// array.
template <class Visit>  // visit(scalar): true goes on
bool for_each_scalar(std::string_view value, Visit&& visit) {
  const JsonType type = json_type(value);
  if (type == JsonType::object) return true;
  if (type != JsonType::array) return visit(value);
  for (JsonCursor cursor(value); cursor.next();) {
    if (json_type(cursor.value()) <= JsonType::string && !visit(cursor.value())) return false;
  }
  return true;
}

// Whether one scalar fulfils the condition that exact, gt, gte, lt, lte, in, contains, startswith
// and endswith are. Of not, arraycontains and arraynotcontains: the equality that they are made of.
bool scalar_fulfils(const Filter& filter, std::string_view scalar);

}  // namespace jcn
