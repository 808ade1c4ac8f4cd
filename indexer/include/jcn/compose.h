// Compose: the set of a record's fragments → its document (pure): neither arrival order nor times
// play a part.
#pragma once

#include <cstddef>
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

// What one fragment says about a place.
struct Opinion {
  std::size_t contribution = 0;  // index into the contributions
  std::string_view value;        // its value there, or what it puts in place of an object above
};

// Where the value of one place comes from. Places are the leaves of the document (scalars, arrays,
// empty objects) and what a null took away from it.
struct Origin {
  std::string pointer;
  std::string value;  // what stands there; null where it was taken away
  bool removed = false;
  std::size_t winner = 0;         // index into the contributions
  std::vector<Opinion> shadowed;  // other values, which lost, in composition order
};

// By pointer, bytewise; without places whose pointers are longer than 1,000 bytes. Of those that
// were taken away only such as somebody else had given a value. Equal values agree (1 and 1.0 are
// equal), and so do arrays with the union that they became part of. No recursion of its own, but
// that of compose().
std::vector<Origin> origins(const std::vector<Contribution>& contributions);

}  // namespace jcn
