// What a writer says of the file that it is about to replace or to remove: If-Match and
// If-None-Match (RFC 9110 §13.1), and 428 where it says nothing (RFC 6585 §3). And of another file,
// without which it would be about nothing: Jcn-If-Present.
#pragma once

#include <optional>
#include <string>

#include "jcn/record.h"
#include "jcn/result.h"

namespace jcn {

struct Precondition {
  std::optional<std::string> if_match, if_none_match;  // values of the headers
  std::optional<std::string> if_present = {};          // the path of a file of the same root
};

// What stands at the path.
struct Standing {
  bool exists = false;
  std::optional<Hash128> content;  // absent: bytes that can't be read, or are too many
};

// Errors: precondition_failed, precondition_required.
Result<void> may_put(const Precondition& precondition, const Standing& standing);
// Errors: also no_such_fragment.
Result<void> may_remove(const Precondition& precondition, const Standing& standing);

// "*": whatever stands there.
bool takes_anything(const Precondition& precondition);

}  // namespace jcn
