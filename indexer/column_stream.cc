#include "column_stream.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "encoding.h"
#include "field_condition.h"
#include "match.h"
#include "place_walk.h"

namespace jcn {
namespace {

constexpr std::uint32_t chunk_steps = 512;

}  // namespace

ColumnStream::ColumnStream(QueryRun& run, const SearchPart& part, const PlaceSet& places,
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

Result<void> ColumnStream::begin(const PageEnd* after) {
  if (field_) {
    entries_ = static_cast<std::int64_t>(field_->end_value - field_->first_value);
    const std::string behind_null = behind_all(marker_key(KeyType::null));
    JCN_TRY(const std::uint64_t first, part_.search->lower_bound(*field_, behind_null));
    first_value_ = static_cast<std::int64_t>(first);
  }
  if (after) JCN_CHECK(begin_after(*after));
  return select();
}

Result<bool> ColumnStream::next() {
  for (;;) {
    if (next_known_ < known_.size()) {
      const KnownValue& known = known_[next_known_++];
      head_.place = known.place;
      head_.value = *known.value;
      return true;
    }
    if (next_ == candidates_.size()) return false;
    JCN_TRY(const bool taken, take_candidate());
    if (taken) return true;
  }
}

// visit(place, ordinal) for all places of the set, in order.
template <class Visit>
Result<void> ColumnStream::scan(Visit&& visit) {
  bool beyond = false;
  for (std::uint32_t number = 0; number < chunk_count(places_); ++number) {
    if (!any_in_chunk(places_, number)) continue;
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
      for_each_in_chunk(places_, number, [&](std::uint32_t place) { take(place, null_ordinal); });
    } else {
      for_each_in_chunk(places_, number, [&](std::uint32_t place) {
        take(place, descending_ ? chunk.largest(place) : chunk.smallest(place));
      });
    }
  }
  if (beyond) return damaged("a segment's column leads beyond its dictionary");
  return {};
}

// Where the stream begins: with some of the records in end_run_, and with all that come after them.
Result<void> ColumnStream::begin_after(const PageEnd& after) {
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
      JCN_TRY(const auto members, in_run(end_run_, false));
      JCN_CHECK(make_known(members));
      keep_behind(known_, end, behind_, descending_);
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
bool ColumnStream::is_candidate(std::uint32_t place, std::int64_t ordinal) const {
  if (!has_end_) return true;
  if (end_run_.has(ordinal)) return !end_run_known_ && place >= behind_;
  return descending_ ? ordinal < end_run_.begin : ordinal >= end_run_.end;
}

// The first candidates: as many as may be wanted, or all there are.
Result<void> ColumnStream::select() {
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

// The records of the set with these ordinals.
Result<std::vector<ColumnStream::Candidate>> ColumnStream::in_run(const Ordinals& run,
                                                                  bool candidates_only) {
  std::vector<Candidate> members;
  JCN_CHECK(scan([&](std::uint32_t place, std::int64_t ordinal) {
    if (run.has(ordinal) && (!candidates_only || is_candidate(place, ordinal))) {
      members.push_back({rank_of(ordinal), place});
    }
  }));
  return members;
}

// Sets run_of_keys_ to the ordinals of the keys that share this key's beginning and go on behind
// it: the beginning alone is less than all of them.
Result<void> ColumnStream::find_run(std::string_view key) {
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
Result<void> ColumnStream::make_known(const std::vector<Candidate>& members) {
  std::unordered_map<std::int64_t, std::shared_ptr<const SortValue>> values;  // by ordinal
  known_.clear();
  next_known_ = 0;
  for (const Candidate& member : members) {
    JCN_CHECK(run_.step());
    // A record with several values may have the extreme one elsewhere in the run.
    std::shared_ptr<const SortValue> own;
    std::shared_ptr<const SortValue>& value = field_->many ? own : values[ordinal_of(member)];
    if (!value) {
      JCN_TRY(SortValue found, value_at(ordinal_of(member), member.place));
      value = std::make_shared<const SortValue>(std::move(found));
    }
    known_.push_back({value, member.place});
  }
  return sort_known(run_, known_, descending_);
}

// Of a record in a run.
Result<SortValue> ColumnStream::value_at(std::int64_t ordinal, std::uint32_t place) {
  JCN_TRY(const bool there, cursor_->seek_ordinal(static_cast<std::uint64_t>(ordinal)));
  if (!there) return damaged("a segment's dictionary ends early");
  if (field_->many || is_cut(cursor_->key())) return value_in_document(place);
  return SortValue{cursor_->key(), {}};
}

Result<SortValue> ColumnStream::value_in_document(std::uint32_t place) {
  JCN_TRY(const Record record, run_.record_at(part_, place));
  return extreme_value(member_at(record.document, sort_), descending_);
}

// Makes the next candidate the head; false: it belongs to a run, which is known now.
Result<bool> ColumnStream::take_candidate() {
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
Result<void> ColumnStream::take_run() {
  const Ordinals run = run_of_keys_;
  std::size_t end = next_;
  while (end < candidates_.size() && run.has(ordinal_of(candidates_[end]))) ++end;
  std::vector<Candidate> members(candidates_.begin() + static_cast<std::ptrdiff_t>(next_),
                                 candidates_.begin() + static_cast<std::ptrdiff_t>(end));
  if (end == candidates_.size() && !complete_) {
    // Some of the run may have been left out.
    JCN_TRY(members, in_run(run, true));
  }
  next_ = end;
  has_head_ = false;
  return make_known(members);
}

}  // namespace jcn
