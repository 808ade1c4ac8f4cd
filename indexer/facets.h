// Facets: how many records of a set have each value of a field. Counts are exact.
#pragma once

#include <vector>

#include "jcn/query.h"
#include "posting_list.h"
#include "query_run.h"
#include "search_parts.h"

namespace jcn {

// `places` are those of the set, by part. The first values end where their texts have so many
// bytes.
Result<Facet> count_values(QueryRun& run, const std::vector<SearchPart>& parts,
                           const std::vector<PlaceSet>& places, const Field& field,
                           std::uint32_t size, std::uint64_t most_bytes);

}  // namespace jcn
