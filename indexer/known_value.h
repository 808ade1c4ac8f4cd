// Known values: records of a part whose values documents have told, in the order of a listing.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "query_run.h"
#include "sort_value.h"

namespace jcn {

struct KnownValue {
  std::shared_ptr<const SortValue> value;  // long ones are shared
  std::uint32_t place = 0;
};

// Errors: query_timeout.
Result<void> sort_known(QueryRun& run, std::vector<KnownValue>& known, bool descending);
// Leaves those strictly behind where the page before ended: at a value, and before the place
// `behind`, which is the first with a greater id.
void keep_behind(std::vector<KnownValue>& known, const SortValue& end, std::uint32_t behind,
                 bool descending);

}  // namespace jcn
