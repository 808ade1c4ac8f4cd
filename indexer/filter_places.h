// Which records of one part fulfil a filter: answered from dictionaries, postings and columns. Only
// what these can't tell (the order of cut values, positions in arrays) is read from documents.
#pragma once

#include <string>
#include <vector>

#include "jcn/filter.h"
#include "posting_list.h"
#include "query_run.h"
#include "search_parts.h"

namespace jcn {

// Those of `within`, which is part of the living.
Result<PlaceSet> filter_places(QueryRun& run, const SearchPart& part, const Filter& filter,
                               const PlaceSet& within);

// In the order in which they are best asked: what is answered fast, and leaves little to the
// others, first.
std::vector<const Filter*> in_asking_order(const std::vector<Filter>& filters);
// It may look at every value of its field, or read documents: best asked about few records.
bool is_costly(const Filter& filter);

// Whether a living record has the field, with any value, null too. Takes the documents that it
// reads, for pointers into arrays only, from `documents`; when they are used up, true.
Result<bool> has_field(QueryRun& run, const SearchPart& part, const Field& field,
                       std::uint32_t& documents);

// For a pointer with steps that may be an array's index: those in whose documents one of these
// steps leads into an array, so that only the document tells what is there.
Result<PlaceSet> indexed_places(const SearchPart& part, const Field& field);

// Null: no record of the part has it.
const SegmentField* part_field(const SearchPart& part, std::string_view path);

}  // namespace jcn
