// Compose: the set of a record's fragments → its document (pure): neither arrival order nor times
// play a part.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/record.h"
#include "jcn/rules.h"

namespace jcn {

struct Contribution {
  FragmentName name;
  const Rule* rule = nullptr;  // rules.find(name)
  std::string_view body;       // canonical text
};

struct Composition {
  bool exists = true;              // false: the kind wants an anchor, and none is here
  std::string document;            // empty when it does not exist
  std::vector<std::size_t> order;  // indices into the contributions, in composition order
};

// Order: rank, order_by's value (compare_values, absent first), path without .json bytewise, root.
// The first fragment is the document, verbatim; each later one a merge patch with its rule's
// strategies. At least one contribution.
Composition compose(const std::vector<Contribution>& contributions, bool wants_anchor);

// Which fragment each leaf of the document comes from. Leaves: scalars, arrays, empty objects.
struct Provenance {
  FragmentName winner;
  std::vector<FragmentName> shadowed;  // gave another value that lost, in composition order
};
std::map<std::string, Provenance> provenance(const std::vector<Contribution>& contributions);

}  // namespace jcn
