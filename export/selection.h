// Selection: which records are exported: all, or those of one kind, or those that filters and
// searches leave (as in a listing, jcn/doc/http-api.md).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "jcn/query.h"
#include "jcn/rules.h"
#include "jcn/snapshot.h"

namespace jcn_export {

struct Selection {
  std::string kind;  // empty: all
  std::vector<jcn::Filter> filters;
  std::vector<jcn::SearchTerm> searches;

  bool everything_of_a_kind() const { return filters.empty() && searches.empty(); }
  bool has_kind(const std::string& other) const { return kind.empty() || kind == other; }
  // The same text for the same selection: kept in the file that it led to.
  std::string text() const;
};

// Terms: "duration__gte=600", "_search=words", "_search_title=words".
// Errors: bad_usage, unknown_operator, bad_field, bad_value, bad_parameter.
jcn::Result<Selection> read_selection(const std::string& kind,
                                      const std::vector<std::string>& terms);

// The kinds that are selected, in order: those that rules or records name.
// Errors: no_such_kind.
jcn::Result<std::vector<std::string>> selected_kinds(const jcn::Snapshot& snapshot,
                                                     const jcn::Rules& rules,
                                                     const Selection& selection);

// How many records these kinds have, before filters.
std::uint64_t count_records(const jcn::Snapshot& snapshot, const std::vector<std::string>& kinds);

// The selected records of one kind, in the order of their ids. Without filters, also those that do
// not exist (orphans). Ends with the first error of `visit`. Errors: index_damaged.
using RecordVisit = std::function<jcn::Result<void>(const jcn::Record&)>;
jcn::Result<void> for_each_selected(const jcn::Snapshot& snapshot, const jcn::Rules& rules,
                                    const Selection& selection, const std::string& kind,
                                    const RecordVisit& visit);

// Of each of these records, whether it is one of those. Errors: index_damaged.
jcn::Result<std::vector<bool>> which_are_selected(const jcn::Snapshot& snapshot,
                                                  const jcn::Rules& rules,
                                                  const Selection& selection,
                                                  const std::vector<jcn::RecordKey>& keys);

}  // namespace jcn_export
