// Phrases: which records of a part have one. Words are found in postings. Phrases of several
// tokens, which lie within one string, are verified on the documents that have all tokens in one
// field.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "extract.h"
#include "jcn/field.h"
#include "jcn/query.h"
#include "posting_list.h"
#include "query_run.h"
#include "search_parts.h"
#include "text.h"

namespace jcn {

struct SearchedPhrase {
  SearchPhrase words;
  const Field* field = nullptr;  // null: any string of the record
  bool on_documents() const { return words.tokens.size() > 1 || (field && field->may_index); }
};

struct FoundPhrase {
  struct Count {
    std::uint32_t place = 0;
    double weighted = 0;  // Σ over fields: weight × occurrences
  };
  PlaceSet places;
  // Of a word: its entry in the text field's dictionary, or all with that beginning.
  std::vector<DictionaryEntry> entries;
  std::vector<Count> counts;  // of what was verified on documents; by place
};

// One thread.
class PhraseSearch {
 public:
  // All outlive it.
  PhraseSearch(QueryRun& run, const std::vector<SearchPart>& parts, const Query& query)
      : run_(run),
        parts_(parts),
        weights_(query.weights),
        scope_(query.scope),
        states_(parts.size()) {}

  // Those of `within`, which is part of the living.
  Result<FoundPhrase> seek(std::size_t part, const SearchedPhrase& phrase, const PlaceSet& within);
  // Of the phrase's words, by a field's number in the part's outline.
  const std::vector<double>& weights(std::size_t part, const SearchedPhrase& phrase) {
    return phrase.field ? state(part).weights : state(part).scoped_weights;
  }
  // The number of the field that a phrase asks for; absent: the part has no such field.
  static std::optional<std::uint32_t> field_number(const SearchPart& part,
                                                   const SearchedPhrase& phrase);

 private:
  struct PartState {
    bool ready = false;
    std::vector<double> weights;         // by the outline's number of the field
    std::vector<bool> covered;           // likewise: the scope covers it
    std::vector<double> scoped_weights;  // likewise: 0 where it does not
    std::vector<FieldId> fields;         // likewise, in fields_; root: not asked for yet
  };
  // A field in which a record has all tokens of a phrase: place << 32 | number of the field.
  using PlaceFields = std::vector<std::uint64_t>;

  PartState& state(std::size_t part);
  Result<void> seek_word(std::size_t part, const SearchedPhrase& phrase, FoundPhrase& found);
  Result<void> seek_on_documents(std::size_t part, const SearchedPhrase& phrase,
                                 const PlaceSet& within, FoundPhrase& found);
  Result<std::vector<DictionaryEntry>> entries_of(const SearchPart& part, const std::string& token,
                                                  bool prefix);
  Result<PlaceFields> common_fields(std::size_t part, const SearchedPhrase& phrase,
                                    const PlaceSet& within);
  // The fields that are asked for, by number.
  std::vector<bool> wanted_fields(std::size_t part, const SearchedPhrase& phrase);
  Result<void> narrow(const SearchPart& part, const std::vector<DictionaryEntry>& entries,
                      const std::vector<bool>& wanted, PlaceSet& possible, PlaceFields& common,
                      bool first);
  Result<std::optional<double>> count_on_document(std::size_t part, const SearchedPhrase& phrase,
                                                  std::uint32_t place,
                                                  const std::vector<std::uint32_t>& fields);
  template <class Visit>
  Result<void> for_each_use(const SearchPart& part, const DictionaryEntry& entry, Visit&& visit);

  QueryRun& run_;
  const std::vector<SearchPart>& parts_;
  const std::map<std::string, double>& weights_;  // by field path, 1 where absent
  const SearchScope& scope_;
  std::vector<PartState> states_;  // by part
  FieldTable fields_;
};

}  // namespace jcn
