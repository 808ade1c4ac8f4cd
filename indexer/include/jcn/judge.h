// Judge: a fragment's bytes → what it is a fragment of, or why not. Pure. The order of DESIGN
// "Checking" from the text on: text, id, schema.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "jcn/record.h"
#include "jcn/rules.h"
#include "jcn/schema.h"

namespace jcn {

// A checked fragment and the record that it belongs to.
struct GoodFragment {
  RecordKey key;
  std::string body;  // canonical text
};

// Under one of the rules.
std::variant<GoodFragment, Reject> judge(const Rules& rules, const Rule& rule,
                                         const FragmentName& name, std::string_view bytes);

// Under the first rule that matches the name, which must exist.
std::variant<GoodFragment, Reject> judge(const Rules& rules, const FragmentName& name,
                                         std::string_view bytes);

// A schema's verdict as a Reject; `bytes` are those that the canonical text was made from.
Reject schema_reject(const SchemaViolation& violation, std::string_view canonical,
                     std::string_view bytes);

}  // namespace jcn
