// The fragments of a record with their contents, read from a snapshot.
#pragma once

#include <string>
#include <vector>

#include "jcn/compose.h"
#include "jcn/result.h"
#include "jcn/snapshot.h"

namespace jcn {

// Moves with its contents: the list leads into the bodies.
struct RecordContributions {
  std::vector<std::string> bodies;
  std::vector<Contribution>
      list;  // in composition order; rules are those of `rules`, or a standard
};

// Files that no rule takes any more (the rules changed, and they are not judged anew yet) come with
// the standard rule. Errors: index_damaged.
Result<RecordContributions> read_contributions(const Snapshot& snapshot, const Rules& rules,
                                               const Record& record);

}  // namespace jcn
