// Query: what a listing asks for, and its execution over a snapshot.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jcn/field.h"
#include "jcn/filter.h"
#include "jcn/record.h"
#include "jcn/result.h"
#include "jcn/search_scope.h"
#include "jcn/snapshot.h"

namespace jcn {

struct SearchTerm {
  std::optional<Field> field;  // absent: in any string of the record that the query's scope covers
  std::string words;           // as given
};

// How many words and phrases a search asks for; 0: there is nothing to search for.
std::size_t count_phrases(std::string_view words);

// How relevance was computed on a walk's first page: kept in its token, so that later pages order
// what did not change in the same way, whatever came and went.
struct RelevanceBasis {
  std::uint64_t records = 0, tokens = 0;  // living records of the kind, and their tokens
  std::vector<std::uint64_t> documents;   // with the phrase, by phrase in the search's order
  bool operator==(const RelevanceBasis&) const = default;
};

// Where a page ended: the next begins behind it.
struct PageEnd {
  std::string id;
  // Sorted by a field: canonical text of the value, strings to 4,096 bytes; empty: null.
  std::string value;
  double score = 0;  // sorted by relevance
  std::optional<RelevanceBasis> basis;
  bool operator==(const PageEnd&) const = default;
};

struct Query {
  std::string kind;
  std::vector<Filter> filters;
  std::vector<SearchTerm> searches;       // all of them
  std::map<std::string, double> weights;  // of relevance, by field path; 1 where absent
  SearchScope scope;                      // of searches in any string
  std::optional<Field> sort;  // absent: by relevance when there are searches, else by id
  bool descending = false;    // ties by ascending id, either way
  std::uint32_t size = 100;
  // Of documents, and of all facets' values: a page has one record at least, a facet one value.
  std::uint64_t page_bytes = 8ULL << 20;
  std::optional<PageEnd> after;
  std::vector<Field> facets;
  std::uint32_t facet_size = 30;
  bool count = false;
  bool plan = false;
  std::vector<Field> also_named;  // fields of projections, for unknown_fields
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
};

struct FacetValue {
  std::string value;  // canonical JSON text
  std::uint64_t count = 0;
};
struct Facet {
  std::vector<FacetValue> values;  // most frequent first, ties in the order of values
  bool truncated = false;          // there are more values
};

struct QueryAnswer {
  std::vector<Record> rows;
  std::optional<PageEnd> next;         // absent: that was the last page
  std::optional<std::uint64_t> count;  // exact, of all pages
  std::vector<Facet> facets;           // as in Query::facets
  // Those that no record has, as they were written; each once. A pointer into arrays that is not
  // found in 100,000 documents is left out.
  std::vector<std::string> unknown_fields;
  std::vector<std::string> plan;  // steps, for a person
};

// Errors: query_timeout (never a partial answer), index_damaged. Sorting looks at the first 4,096
// bytes of a string.
Result<QueryAnswer> run_query(const Snapshot& snapshot, const Query& query);

// A member that records of the kind have, or (with a step "~*") that elements of their arrays have.
struct FieldSummary {
  std::string name;           // dotted if that names the same field, else its path (field.h)
  std::uint64_t records = 0;  // that have it
  // Records by null, boolean, number, string, array, object. An array's scalars count, too: 5
  // records with ["a"] are 5 with an array and 5 with a string.
  std::map<std::string, std::uint64_t> types;
};
struct FieldList {
  std::vector<FieldSummary> fields;  // by path
  bool truncated = false;            // there are more
};
inline constexpr std::size_t most_listed_fields = 1000;
// Of more than so many those with the fewest steps, then the first by path: members that are named
// by what they are about (a number per user) don't displace those above them. At most `bytes` of
// names, but one at least. Errors: query_timeout, index_damaged.
Result<FieldList> list_fields(const Snapshot& snapshot, const std::string& kind,
                              std::chrono::steady_clock::time_point deadline,
                              std::uint64_t bytes = 8ULL << 20);

}  // namespace jcn
