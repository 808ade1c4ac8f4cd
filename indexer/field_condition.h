// A condition on values, asked of one field of one part: the records in which some scalar at the
// field fulfils it (match.h: scalar_fulfils), by the field's dictionary.
#pragma once

#include "jcn/filter.h"
#include "posting_list.h"
#include "query_run.h"
#include "search_parts.h"

namespace jcn {

// Keys of long values are cut: what the condition says of them may need the value itself.
enum class CutValues : std::uint8_t {
  read,   // in the document of one record that has it
  admit,  // they count as fulfilling: the caller looks itself
};

// Those of `within`, which is part of the living. To read cut values, `field` must be the filter's.
Result<PlaceSet> places_fulfilling(QueryRun& run, const SearchPart& part, const SegmentField& field,
                                   const Filter& filter, const PlaceSet& within, CutValues cut);

// Adds the places that have a key in the field: a marker, or a value.
Result<void> add_places_of(const SearchPart& part, const SegmentField& field, std::string_view key,
                           PlaceSet& places);

// The smallest string greater than all that begin with `prefix`, which has a byte below ff.
std::string behind_all(std::string_view prefix);

}  // namespace jcn
