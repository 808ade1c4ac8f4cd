// A part's records in the order of a field. The field's column gives each record's ordinal, and
// ordinals have the order of values, but for runs: keys with one beginning, some of them cut. Runs
// are put in order by the values in documents, and only when the stream comes to them.
#include <algorithm>
#include <unordered_map>

#include "encoding.h"
#include "field_condition.h"
#include "filter_places.h"
#include "match.h"
#include "page_stream.h"
#include "place_walk.h"

namespace jcn {
namespace {

constexpr std::uint32_t chunk_steps = 512;

// Records whose values are known: the order of a run, or of a whole part.
struct KnownValue {
  SortValue value;
  std::uint32_t place = 0;
};

void sort_known(std::vector<KnownValue>& known, bool descending) {
  std::sort(known.begin(), known.end(), [&](const KnownValue& a, const KnownValue& b) {
    const int order = compare(a.value, b.value);
    if (order != 0) return descending ? order > 0 : order < 0;
    return a.place < b.place;
  });
}

// Strictly behind where the page before ended: `behind` is the first place with a greater id.
bool is_behind(const KnownValue& known, const SortValue& end, std::uint32_t behind,
               bool descending) {
  const int order = compare(known.value, end);
  if (order != 0) return descending ? order < 0 : order > 0;
  return known.place >= behind;
}

class KnownStream : public PageStream {
 public:
  KnownStream(const SearchPart& part, std::vector<KnownValue> known)
      : PageStream(part), known_(std::move(known)) {}

  Result<bool> next() override {
    if (at_ == known_.size()) return false;
    head_.place = known_[at_].place;
    head_.value = std::move(known_[at_].value);
    ++at_;
    return true;
  }

 private:
  std::vector<KnownValue> known_;
  std::size_t at_ = 0;
};

class ColumnStream : public PageStream {
 public:
  // `field` may be null: no record has it.
  ColumnStream(QueryRun& run, const SearchPart& part, const PlaceSet& places,
               const SegmentField* field, const PageOrder& order)
      : PageStream(part),
        run_(run),
        places_(places),
        field_(field),
        sort_(*order.field),
        descending_(order.descending),
        wanted_(order.wanted) {
    if (field_) cursor_.emplace(part.search->dictionary(*field_));
  }

  // To be called once, before next().
  Result<void> begin(const PageEnd* after) {
    if (field_) {
      entries_ = static_cast<std::int64_t>(field_->end_value - field_->first_value);
      const std::string behind_null = behind_all(marker_key(KeyType::null));
      JCN_TRY(const std::uint64_t first, part_.search->lower_bound(*field_, behind_null));
      first_value_ = static_cast<std::int64_t>(first);
    }
    if (after) JCN_CHECK(begin_after(*after));
    return select();
  }

  Result<bool> next() override {
    for (;;) {
      if (next_known_ < known_.size()) {
        KnownValue& known = known_[next_known_++];
        head_.place = known.place;
        head_.value = std::move(known.value);
        return true;
      }
      if (next_ == candidates_.size()) return false;
      JCN_TRY(const bool taken, take_candidate());
      if (taken) return true;
    }
  }

 private:
  static constexpr std::int64_t null_ordinal = -1;
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

  // visit(place, ordinal) for all places of the set, in order.
  template <class Visit>
  Result<void> scan(Visit&& visit) {
    bool beyond = false;
    for (std::uint32_t number = 0; number < chunk_count(places_); ++number) {
      if (count_in_chunk(places_, number) == 0) continue;
      JCN_CHECK(run_.step(chunk_steps));
      const std::uint32_t first = number * column_chunk;
      ColumnChunkView chunk;
      if (field_) {
        JCN_TRY(chunk, part_.search->column(*field_, number));
      }
      const auto take = [&](std::uint32_t place, std::int64_t ordinal) {
        beyond = beyond || ordinal >= entries_;
        visit(first + place, ordinal < first_value_ ? null_ordinal : ordinal);
      };
      if (chunk.dense()) {
        for_each_in_chunk(places_, number, [&](std::uint32_t place) {
          take(place, std::int64_t{chunk.dense_ordinal(place)} - 1);
        });
      } else if (chunk.empty()) {
        for_each_in_chunk(places_, number,
                          [&](std::uint32_t place) { take(place, null_ordinal); });
      } else {
        for_each_in_chunk(places_, number, [&](std::uint32_t place) {
          take(place, descending_ ? chunk.largest(place) : chunk.smallest(place));
        });
      }
    }
    if (beyond) return damaged("a segment's column leads beyond its dictionary");
    return {};
  }

  // Where the stream begins: at the ordinals of `ends_`, of which some records are behind the end,
  // and all that come after them.
  Result<void> begin_after(const PageEnd& after) {
    JCN_TRY(behind_, run_.first_place(part_, after.id + '\0'));
    has_end_ = true;
    if (after.value.empty()) {
      end_run_ = {null_ordinal, null_ordinal + 1};
      return {};
    }
    const SortValue end = sort_value(after.value);
    if (!field_) {
      end_run_ = {0, 0};
      return {};
    }
    if (may_share_beginning(end.key)) {
      JCN_CHECK(find_run(end.key));
      if (run_has_cut_ || is_cut(end.key)) {
        end_run_ = run_of_keys_;
        std::vector<Candidate> members;
        JCN_CHECK(collect(end_run_, false, members));
        JCN_CHECK(make_known(members));
        std::erase_if(known_, [&](const KnownValue& known) {
          return !is_behind(known, end, behind_, descending_);
        });
        end_run_known_ = true;
        return {};
      }
    }
    JCN_TRY(const bool found, cursor_->seek(end.key));
    end_run_.begin = found ? static_cast<std::int64_t>(cursor_->entry().ordinal) : entries_;
    end_run_.end = end_run_.begin + (found && cursor_->key() == end.key ? 1 : 0);
    return {};
  }

  // Whether a record is behind the end, and not known already.
  bool is_candidate(std::uint32_t place, std::int64_t ordinal) const {
    if (!has_end_) return true;
    if (end_run_.has(ordinal)) return !end_run_known_ && place >= behind_;
    return descending_ ? ordinal < end_run_.begin : ordinal >= end_run_.end;
  }

  // The first candidates: as many as may be wanted, or all there are.
  Result<void> select() {
    const std::size_t wanted = std::max<std::size_t>(wanted_, 1);
    std::int64_t worst = 0;  // rank of the last, once there are as many as wanted
    bool full = false;
    const auto cut = [&] {
      const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(wanted);
      std::nth_element(candidates_.begin(), end - 1, candidates_.end());
      candidates_.erase(end, candidates_.end());
      worst = candidates_.back().rank;
      full = true;
    };
    JCN_CHECK(scan([&](std::uint32_t place, std::int64_t ordinal) {
      const std::int64_t rank = rank_of(ordinal);
      // Of equals, those found before stay: they have the lesser ids.
      if ((full && rank >= worst) || !is_candidate(place, ordinal)) return;
      candidates_.push_back({rank, place});
      if (candidates_.size() >= 2 * wanted) cut();
    }));
    if (candidates_.size() > wanted) cut();
    std::sort(candidates_.begin(), candidates_.end());
    complete_ = !full;
    return {};
  }

  // All records of the set with these ordinals; `behind`: only those that may be candidates.
  Result<void> collect(const Ordinals& run, bool behind, std::vector<Candidate>& members) {
    return scan([&](std::uint32_t place, std::int64_t ordinal) {
      if (run.has(ordinal) && (!behind || is_candidate(place, ordinal))) {
        members.push_back({rank_of(ordinal), place});
      }
    });
  }

  // Sets run_of_keys_ to the ordinals of the keys that share this key's beginning and go on behind
  // it: the beginning alone is less than all of them.
  Result<void> find_run(std::string_view key) {
    const std::string beginning(key_beginning(key));
    JCN_TRY(const std::uint64_t first, part_.search->lower_bound(*field_, beginning + '\0'));
    JCN_TRY(const std::uint64_t end, part_.search->lower_bound(*field_, behind_all(beginning)));
    run_of_keys_ = {static_cast<std::int64_t>(first), static_cast<std::int64_t>(end)};
    run_has_cut_ = false;
    if (first == end) return {};
    // Cut keys stand last in a run of strings, first in one of negative numbers.
    JCN_TRY(bool found, cursor_->seek_ordinal(end - 1));
    run_has_cut_ = found && is_cut(cursor_->key());
    if (run_has_cut_) return {};
    JCN_TRY(found, cursor_->seek_ordinal(first));
    run_has_cut_ = found && is_cut(cursor_->key());
    return {};
  }

  // Reads what the order of these records needs, and puts them into known_ in their order.
  Result<void> make_known(const std::vector<Candidate>& members) {
    std::unordered_map<std::int64_t, SortValue> values;  // by ordinal
    known_.clear();
    next_known_ = 0;
    for (const Candidate& member : members) {
      const std::int64_t ordinal = ordinal_of(member);
      JCN_CHECK(run_.step());
      const auto found = values.find(ordinal);
      if (found != values.end()) {
        known_.push_back({found->second, member.place});
        continue;
      }
      SortValue value;
      JCN_TRY(const bool there, cursor_->seek_ordinal(static_cast<std::uint64_t>(ordinal)));
      if (!there) return damaged("a segment's dictionary ends early");
      value.key = cursor_->key();
      // A record with several values may have the extreme one elsewhere in the run.
      if (field_->many || is_cut(value.key)) {
        JCN_TRY(value, value_in_document(member.place));
      }
      if (!field_->many) values.emplace(ordinal, value);
      known_.push_back({std::move(value), member.place});
    }
    sort_known(known_, descending_);
    return {};
  }

  Result<SortValue> value_in_document(std::uint32_t place) {
    JCN_TRY(const Record record, run_.record_at(part_, place));
    return extreme_value(member_at(record.document, sort_), descending_);
  }

  // Makes the next candidate the head; false: it belongs to a run, which is known now.
  Result<bool> take_candidate() {
    const Candidate candidate = candidates_[next_];
    const std::int64_t ordinal = ordinal_of(candidate);
    if (ordinal == null_ordinal) {
      head_.value = {};
    } else if (ordinal != head_ordinal_ || !has_head_) {
      JCN_TRY(const bool there, cursor_->seek_ordinal(static_cast<std::uint64_t>(ordinal)));
      if (!there) return damaged("a segment's dictionary ends early");
      std::string key = cursor_->key();
      if (may_share_beginning(key)) {
        if (!run_of_keys_.has(ordinal)) JCN_CHECK(find_run(key));
        if (run_has_cut_ && run_of_keys_.end - run_of_keys_.begin > 1) {
          JCN_CHECK(take_run());
          return false;
        }
      }
      head_.value = {};
      head_.value.key = std::move(key);
      if (is_cut(head_.value.key)) {
        JCN_TRY(head_.value, value_in_document(candidate.place));
      }
    }
    head_.place = candidate.place;
    head_ordinal_ = ordinal;
    has_head_ = true;
    ++next_;
    return true;
  }

  // The candidates from the next one on that belong to its run become known.
  Result<void> take_run() {
    const Ordinals run = run_of_keys_;
    std::size_t end = next_;
    while (end < candidates_.size() && run.has(ordinal_of(candidates_[end]))) ++end;
    std::vector<Candidate> members;
    if (end == candidates_.size() && !complete_) {
      // More of the run may have been left out than the last of the candidates.
      JCN_CHECK(collect(run, true, members));
    } else {
      members.assign(candidates_.begin() + static_cast<std::ptrdiff_t>(next_),
                     candidates_.begin() + static_cast<std::ptrdiff_t>(end));
    }
    next_ = end;
    has_head_ = false;
    return make_known(members);
  }

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

// A field whose pointer leads into arrays of this part: what is there, documents tell.
Result<std::vector<KnownValue>> values_by_documents(QueryRun& run, const SearchPart& part,
                                                    const PlaceSet& places, const Field& field,
                                                    const PlaceSet& indexed, bool descending) {
  PlaceSet holders = indexed;
  if (const SegmentField* plain = part_field(part, field.path)) {
    JCN_CHECK(add_places_of(part, *plain, marker_key(KeyType::present), holders));
  }
  std::vector<KnownValue> known;
  for (std::uint32_t place = places.next(0); place < places.size();
       place = places.next(place + 1)) {
    JCN_CHECK(run.step());
    SortValue value;
    if (holders.test(place)) {
      JCN_TRY(const Record record, run.record_at(part, place));
      value = extreme_value(member_at(record.document, field), descending);
    }
    known.push_back({std::move(value), place});
  }
  return known;
}

}  // namespace

Result<std::unique_ptr<PageStream>> stream_by_value(QueryRun& run, const SearchPart& part,
                                                    const PlaceSet& places,
                                                    const PageOrder& order) {
  const Field& field = *order.field;
  if (field.may_index) {
    JCN_TRY(PlaceSet indexed, indexed_places(part, field));
    indexed &= places;
    if (!indexed.none()) {
      JCN_TRY(auto known,
              values_by_documents(run, part, places, field, indexed, order.descending));
      if (order.after) {
        const SortValue end =
            order.after->value.empty() ? SortValue{} : sort_value(order.after->value);
        JCN_TRY(const std::uint32_t behind, run.first_place(part, order.after->id + '\0'));
        std::erase_if(known, [&](const KnownValue& value) {
          return !is_behind(value, end, behind, order.descending);
        });
      }
      sort_known(known, order.descending);
      return std::unique_ptr<PageStream>(std::make_unique<KnownStream>(part, std::move(known)));
    }
  }
  auto stream =
      std::make_unique<ColumnStream>(run, part, places, part_field(part, field.path), order);
  JCN_CHECK(stream->begin(order.after));
  return std::unique_ptr<PageStream>(std::move(stream));
}

}  // namespace jcn
