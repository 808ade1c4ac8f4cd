// Search: which records have all phrases that are asked for, and how well they fit: exactly what
// SQLite's FTS5 computes as bm25() (with the sign turned), over the living records of the kind.
//
//   score = Σ over phrases  idf × tf × (k1 + 1) / (tf + k1 × (1 - b + b × tokens / average tokens))
//   idf   = ln((records - n + 0.5) / (n + 0.5)), at least 1e-6;   k1 = 1.2, b = 0.75
//   tf    = Σ over fields  weight × occurrences of the phrase;    n records have the phrase
//
// In a search of one field only that field's occurrences count, for tf and n; in one of all fields
// those of the fields that the query's scope covers. Tokens are always those of the whole record.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "jcn/query.h"
#include "page_stream.h"
#include "phrase_search.h"
#include "query_run.h"
#include "search_parts.h"

namespace jcn {

class TextSearch {
 public:
  // All outlive it.
  TextSearch(QueryRun& run, const Query& query, const std::vector<SearchPart>& parts);

  // What scores are computed from: as given, or taken from the living records as they are.
  Result<void> set_basis(const std::optional<RelevanceBasis>& given);
  const RelevanceBasis& basis() const { return basis_; }

  // Those of `within`, which is part of the living, that have all phrases.
  Result<PlaceSet> find(std::size_t part, const PlaceSet& within);
  // Gives each of the places that find() left of this part to `best`, in order.
  Result<void> score(std::size_t part, const PlaceSet& places, BestScores& best);

 private:
  class PhraseCounts;
  struct Found {
    bool everywhere = false;  // sought among all living records
    FoundPhrase phrase;
  };

  Result<std::uint64_t> living_tokens(const SearchPart& part);

  QueryRun& run_;
  const std::vector<SearchPart>& parts_;
  std::vector<SearchedPhrase> phrases_;
  PhraseSearch search_;
  std::vector<std::vector<Found>> found_;  // by part and phrase
  RelevanceBasis basis_;
};

}  // namespace jcn
