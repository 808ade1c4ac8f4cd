#include "relevance.h"

#include <algorithm>
#include <cmath>

#include "encoding.h"
#include "filter_places.h"
#include "place_walk.h"

namespace jcn {
namespace {

constexpr double k1 = 1.2, b = 0.75, least_idf = 1e-6;

// `length` is the part of the formula that depends on the record's tokens.
double fit(double idf, double tf, double length) {
  return idf * ((tf * (k1 + 1)) / (tf + length));
}

double idf_of(const RelevanceBasis& basis, std::size_t phrase) {
  const auto records = static_cast<double>(basis.records);
  // A basis comes back from outside: it may say anything.
  const double with_it = std::min(static_cast<double>(basis.documents[phrase]), records);
  return std::max(std::log((records - with_it + 0.5) / (with_it + 0.5)), least_idf);
}

// The records of one chunk that are being scored.
struct Scored {
  std::vector<std::uint32_t> places;  // ascending
  std::vector<double> lengths, scores;
};

}  // namespace

// Goes through the records that have a phrase, chunk by chunk, and adds what it makes of them.
class TextSearch::PhraseCounts {
 public:
  PhraseCounts(const SearchPart& part, const SearchedPhrase& phrase, const FoundPhrase& found,
               const std::vector<double>& weights, double idf)
      : part_(part),
        found_(found),
        weights_(weights),
        idf_(idf),
        by_use_(part.search->outline().uses.size(), not_counted) {
    if (phrase.field) field_ = PhraseSearch::field_number(part, phrase);
  }

  Result<void> begin(QueryRun& run) {
    if (found_.entries.size() == 1) {
      JCN_TRY(const std::string_view list, part_.search->postings(found_.entries.front()));
      reader_.emplace(list, part_.places(), true);
      return step();
    }
    // Many words with one beginning are one.
    if (found_.entries.size() > 1) by_place_.resize(part_.places());
    for (const DictionaryEntry& entry : found_.entries) {
      JCN_CHECK(run.step(1 + entry.documents / 16));
      JCN_TRY(const std::string_view list, part_.search->postings(entry));
      reader_.emplace(list, part_.places(), true);
      JCN_CHECK(step());
      while (more_) {
        by_place_[reader_->place()] += count();
        JCN_CHECK(step());
      }
    }
    reader_.reset();
    return {};
  }

  // Chunks come in order.
  Result<void> add(Scored& scored) {
    if (!by_place_.empty()) {
      for (std::size_t i = 0; i < scored.places.size(); ++i) {
        add_one(scored, i, by_place_[scored.places[i]]);
      }
      return {};
    }
    const std::uint32_t last = scored.places.back();
    std::size_t i = 0;
    for (; next_count_ < found_.counts.size(); ++next_count_) {
      const FoundPhrase::Count& verified = found_.counts[next_count_];
      if (verified.place > last) break;
      while (scored.places[i] < verified.place) ++i;
      if (scored.places[i] == verified.place) add_one(scored, i, verified.weighted);
    }
    while (more_ && reader_->place() <= last) {
      while (scored.places[i] < reader_->place()) ++i;
      if (scored.places[i] == reader_->place()) add_one(scored, i, count());
      JCN_CHECK(step());
    }
    return {};
  }

 private:
  static constexpr double not_counted = -1;

  void add_one(Scored& scored, std::size_t i, double tf) const {
    scored.scores[i] += fit(idf_, tf, scored.lengths[i]);
  }

  Result<void> step() {
    more_ = reader_->next();
    if (!more_ && !reader_->ok()) return damaged("a segment's posting list is malformed");
    if (more_ && reader_->payload() >= by_use_.size()) {
      return damaged("a segment's word has unknown uses");
    }
    return {};
  }

  // Where the reader stands. Few sets of uses stand in many postings.
  double count() {
    double& count = by_use_[reader_->payload()];
    if (count != not_counted) return count;
    count = 0;
    for (const WordUse& use : part_.search->outline().uses[reader_->payload()]) {
      if (!field_ || use.field == *field_) count += weights_[use.field] * use.count;
    }
    return count;
  }

  const SearchPart& part_;
  const FoundPhrase& found_;
  const std::vector<double>& weights_;
  const double idf_;
  std::optional<std::uint32_t> field_;
  std::vector<double> by_use_;           // by number of the uses
  std::vector<double> by_place_;         // of several words
  std::optional<PostingReader> reader_;  // of one word
  bool more_ = false;                    // the reader stands on a place
  std::size_t next_count_ = 0;           // of what was verified
};

TextSearch::TextSearch(QueryRun& run, const Query& query, const std::vector<SearchPart>& parts)
    : run_(run), parts_(parts), search_(run, parts, query) {
  for (const SearchTerm& term : query.searches) {
    for (SearchPhrase& words : parse_search(term.words)) {
      phrases_.push_back({std::move(words), term.field ? &*term.field : nullptr});
    }
  }
  found_.assign(parts.size(), std::vector<Found>(phrases_.size()));
}

Result<std::uint64_t> TextSearch::living_tokens(const SearchPart& part) {
  std::uint64_t tokens = part.kind->tokens;
  const SegmentField* text = part_field(part, text_field);
  if (!text || part.living.count() == part.places()) return tokens;
  PlaceSet dead = part.living;
  dead.invert();
  for (std::uint32_t number = 0; number < chunk_count(dead); ++number) {
    if (!any_in_chunk(dead, number)) continue;
    JCN_CHECK(run_.step(column_chunk / 16));
    JCN_TRY(const ColumnChunkView chunk, part.search->column(*text, number));
    for_each_in_chunk(dead, number, [&](std::uint32_t place) {
      const std::int64_t length = chunk.smallest(place);
      if (length > 0) tokens -= std::min(tokens, static_cast<std::uint64_t>(length));
    });
  }
  return tokens;
}

Result<void> TextSearch::set_basis(const std::optional<RelevanceBasis>& given) {
  if (given && given->documents.size() == phrases_.size()) {
    basis_ = *given;
    return {};
  }
  basis_ = {};
  basis_.documents.assign(phrases_.size(), 0);
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    basis_.records += parts_[part].living.count();
    JCN_TRY(const std::uint64_t tokens, living_tokens(parts_[part]));
    basis_.tokens += tokens;
    for (std::size_t i = 0; i < phrases_.size(); ++i) {
      Found& found = found_[part][i];
      JCN_TRY(found.phrase, search_.seek(part, phrases_[i], parts_[part].living));
      found.everywhere = true;
      basis_.documents[i] += found.phrase.places.count();
    }
  }
  return {};
}

Result<PlaceSet> TextSearch::find(std::size_t part, const PlaceSet& within) {
  if (phrases_.empty()) return PlaceSet(within.size());
  PlaceSet places = within;
  // Words before what documents are read for.
  for (const bool on_documents : {false, true}) {
    for (std::size_t i = 0; i < phrases_.size() && !places.none(); ++i) {
      if (phrases_[i].on_documents() != on_documents) continue;
      Found& found = found_[part][i];
      if (!found.everywhere) {
        JCN_TRY(found.phrase, search_.seek(part, phrases_[i], places));
      }
      places &= found.phrase.places;
    }
  }
  return places;
}

Result<void> TextSearch::score(std::size_t part, const PlaceSet& places, BestScores& best) {
  const SearchPart& at = parts_[part];
  const SegmentField* text = part_field(at, text_field);
  if (!text || places.none()) return {};
  const double average = static_cast<double>(std::max<std::uint64_t>(basis_.tokens, 1)) /
                         static_cast<double>(std::max<std::uint64_t>(basis_.records, 1));
  std::vector<PhraseCounts> phrases;
  for (std::size_t i = 0; i < phrases_.size(); ++i) {
    phrases.emplace_back(at, phrases_[i], found_[part][i].phrase,
                         search_.weights(part, phrases_[i]), idf_of(basis_, i));
    JCN_CHECK(phrases.back().begin(run_));
  }
  Scored scored;
  for (std::uint32_t number = 0; number < chunk_count(places); ++number) {
    if (!any_in_chunk(places, number)) continue;
    JCN_CHECK(run_.step(column_chunk / 4));
    JCN_TRY(const ColumnChunkView chunk, at.search->column(*text, number));
    scored.places.clear();
    scored.lengths.clear();
    for_each_in_chunk(places, number, [&](std::uint32_t place) {
      scored.places.push_back(number * column_chunk + place);
      const auto tokens = static_cast<double>(std::max<std::int64_t>(chunk.smallest(place), 0));
      scored.lengths.push_back(k1 * (1 - b + b * tokens / average));
    });
    scored.scores.assign(scored.places.size(), 0);
    for (PhraseCounts& phrase : phrases) JCN_CHECK(phrase.add(scored));
    for (std::size_t i = 0; i < scored.places.size(); ++i) {
      best.add(scored.places[i], scored.scores[i]);
    }
  }
  return {};
}

}  // namespace jcn
