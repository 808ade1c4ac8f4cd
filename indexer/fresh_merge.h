// The searchable part of a large delta, merged from what was made of its pieces already: a third of
// the work of making it from documents, and the same bytes.
#pragma once

#include "fresh_layer.h"
#include "jcn/result.h"

namespace jcn {

// Makes delta.search, unless it is made.
Result<void> make_delta_search_of_pieces(const Delta& delta);

}  // namespace jcn
