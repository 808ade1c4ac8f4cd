// A part's records in the order of a field, by its column. The column gives each record's ordinal,
// and ordinals have the order of values, but for runs: keys with one beginning, some of them cut.
// Runs are put in order by the values in documents, and only when the stream comes to them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "known_value.h"
#include "page_stream.h"

namespace jcn {

class ColumnStream : public PageStream {
 public:
  // `field` may be null: no record has it. All outlive it.
  ColumnStream(QueryRun& run, const SearchPart& part, const PlaceSet& places,
               const SegmentField* field, const PageOrder& order);
  // To be called once, before next().
  Result<void> begin(const PageEnd* after);
  Result<bool> next() override;

 private:
  static constexpr std::int64_t null_ordinal = -1;  // of null, and of records without a value
  struct Ordinals {
    std::int64_t begin = 0, end = 0;
    bool has(std::int64_t ordinal) const { return ordinal >= begin && ordinal < end; }
  };
  struct Candidate {
    std::int64_t rank = 0;  // ascends in the order asked for
    std::uint32_t place = 0;
    bool operator<(const Candidate& other) const {
      return rank != other.rank ? rank < other.rank : place < other.place;
    }
  };

  std::int64_t rank_of(std::int64_t ordinal) const { return descending_ ? -ordinal : ordinal; }
  std::int64_t ordinal_of(const Candidate& candidate) const {
    return descending_ ? -candidate.rank : candidate.rank;
  }
  template <class Visit>
  Result<void> scan(Visit&& visit);
  Result<void> begin_after(const PageEnd& after);
  Result<void> select();
  bool is_candidate(std::uint32_t place, std::int64_t ordinal) const;
  Result<std::vector<Candidate>> in_run(const Ordinals& run, bool candidates_only);
  Result<void> find_run(std::string_view key);
  Result<void> make_known(const std::vector<Candidate>& members);
  Result<SortValue> value_at(std::int64_t ordinal, std::uint32_t place);
  Result<SortValue> value_in_document(std::uint32_t place);
  Result<bool> take_candidate();
  Result<void> take_run();

  QueryRun& run_;
  const PlaceSet& places_;
  const SegmentField* const field_;
  const Field& sort_;
  const bool descending_;
  const std::size_t wanted_;
  std::optional<DictionaryCursor> cursor_;
  std::int64_t entries_ = 0;      // of the dictionary
  std::int64_t first_value_ = 0;  // ordinals below it are markers, or null

  // Where the page before ended.
  bool has_end_ = false;
  std::uint32_t behind_ = 0;    // first place with a greater id
  Ordinals end_run_;            // equal to the end's value, or in one run with it
  bool end_run_known_ = false;  // what is behind the end in that run stands in known_

  std::vector<Candidate> candidates_;
  std::size_t next_ = 0;
  bool complete_ = true;  // no candidate was left out
  std::vector<KnownValue> known_;
  std::size_t next_known_ = 0;
  // The run that was looked up last. With a cut key and others in it, it is without order.
  Ordinals run_of_keys_;
  bool run_has_cut_ = false;
  // Of the head, when it came from a candidate.
  bool has_head_ = false;
  std::int64_t head_ordinal_ = 0;
};

}  // namespace jcn
