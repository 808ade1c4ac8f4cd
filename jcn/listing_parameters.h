// GET /v1/{kind}: the parameters → what is asked for. Pure: no snapshot, no service.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jcn/query.h"
#include "jcn/record.h"
#include "jcn/rules.h"
#include "query_parameters.h"

namespace jcn {

inline constexpr std::uint64_t default_page_size = 100, largest_page_size = 1000;  // rows
inline constexpr std::uint64_t default_facet_size = 30, largest_facet_size = 1000;
// Words and phrases of one query. Each has a number in the tokens of a walk by relevance.
inline constexpr std::size_t most_search_phrases = 256;

enum class RowShape : std::uint8_t { object, array, lines };

struct ListingRequest {
  // Without a deadline; `after` is what the token says. Facets and columns are named
  // once each.
  Query query;
  bool projected = false;            // _col is given, if only to name no member
  std::vector<std::string> columns;  // as written; _id, _created and _updated among them
  bool fields = false;               // _extra=fields
  RowShape shape = RowShape::object;
  // Of kind, filters, searches, their weights and scope, and order: what every page of a walk has
  // in common.
  Hash128 walk;
};

// Errors: unknown_parameter; bad_parameter (twice, out of range, no token of this walk);
// unknown_operator, bad_field, bad_value.
Result<ListingRequest> read_listing(const std::string& kind, const QueryParameters& parameters,
                                    const SearchWeights& weights = {},
                                    const SearchScope& scope = {});

// Whether a parameter of this name is a search, and the name that one has.
bool names_search(std::string_view name);
std::string search_name(const SearchTerm& search);

// All `_search` and `_search_FIELD` among them.
// Errors: bad_field, bad_parameter (a field that has no text), bad_value (no words, too many).
Result<std::vector<SearchTerm>> read_searches(const QueryParameters& parameters);

// What one `_col` names: a JSON array of strings, or names with commas between.
// Errors: bad_parameter.
Result<std::vector<std::string>> read_column_names(std::string_view value);

// The address of the page that `token` begins: all parameters again, encoded.
std::string next_page_url(const std::string& kind, const QueryParameters& parameters,
                          std::string_view token);

}  // namespace jcn
