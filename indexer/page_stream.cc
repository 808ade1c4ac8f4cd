#include "page_stream.h"

#include <algorithm>

namespace jcn {
namespace {

// The first place set below `end`, downwards; places.size() when there is none.
std::uint32_t last_below(const PlaceSet& places, std::uint32_t end) {
  const std::vector<std::uint64_t>& words = places.words();
  for (std::size_t i = (std::size_t{end} + 63) / 64; i-- > 0;) {
    std::uint64_t word = words[i];
    if (end < (i + 1) * 64) word &= (std::uint64_t{1} << (end - i * 64)) - 1;
    if (word != 0) {
      return static_cast<std::uint32_t>(i * 64 + 63 - static_cast<unsigned>(__builtin_clzll(word)));
    }
  }
  return places.size();
}

class IdStream : public PageStream {
 public:
  IdStream(const SearchPart& part, const PlaceSet& places, bool descending, std::uint32_t from)
      : PageStream(part), places_(places), descending_(descending), at_(from) {}

  Result<bool> next() override {
    const std::uint32_t place = descending_ ? last_below(places_, at_) : places_.next(at_);
    if (place >= places_.size()) return false;
    head_.place = place;
    at_ = descending_ ? place : place + 1;
    return true;
  }

 private:
  const PlaceSet& places_;
  const bool descending_;
  std::uint32_t at_;  // ascending: the next may be here; descending: below
};

bool fits_better(const BestScores::Scored& a, const BestScores::Scored& b) {
  return a.score != b.score ? a.score > b.score : a.place < b.place;
}

class ScoreStream : public PageStream {
 public:
  ScoreStream(const SearchPart& part, std::vector<BestScores::Scored> places)
      : PageStream(part), places_(std::move(places)) {}

  Result<bool> next() override {
    if (at_ == places_.size()) return false;
    head_.place = places_[at_].place;
    head_.score = places_[at_].score;
    ++at_;
    return true;
  }

 private:
  const std::vector<BestScores::Scored> places_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::unique_ptr<PageStream>> stream_by_id(QueryRun& run, const SearchPart& part,
                                                 const PlaceSet& places, const PageOrder& order) {
  std::uint32_t from = order.descending ? part.places() : 0;
  if (order.after) {
    // Just behind an id is the id and a NUL.
    const std::string& id = order.after->id;
    JCN_TRY(from, run.first_place(part, order.descending ? id : id + '\0'));
  }
  return std::unique_ptr<PageStream>(
      std::make_unique<IdStream>(part, places, order.descending, from));
}

std::unique_ptr<PageStream> stream_by_score(const SearchPart& part, BestScores best) {
  return std::make_unique<ScoreStream>(part, best.take());
}

Result<BestScores> BestScores::make(QueryRun& run, const SearchPart& part, const PageOrder& order) {
  BestScores best;
  best.wanted_ = std::max<std::size_t>(order.wanted, 1);
  if (order.after) {
    best.end_score_ = order.after->score;
    // Just behind an id is the id and a NUL.
    JCN_TRY(best.behind_, run.first_place(part, order.after->id + '\0'));
  }
  return best;
}

std::vector<BestScores::Scored> BestScores::take() {
  if (kept_.size() > wanted_) cut();
  std::sort(kept_.begin(), kept_.end(), fits_better);
  return std::move(kept_);
}

void BestScores::cut() {
  const auto end = kept_.begin() + static_cast<std::ptrdiff_t>(wanted_);
  std::nth_element(kept_.begin(), end - 1, kept_.end(), fits_better);
  kept_.erase(end, kept_.end());
  worst_ = kept_.back().score;
  full_ = true;
}

Result<void> PageMerge::add(std::unique_ptr<PageStream> stream) {
  streams_.push_back({std::move(stream), std::nullopt});
  JCN_TRY(const bool any, streams_.back().stream->next());
  if (!any) streams_.pop_back();
  return {};
}

Result<void> PageMerge::advance(std::size_t index) {
  Open& open = streams_[index];
  open.id.reset();
  JCN_TRY(const bool more, open.stream->next());
  if (!more) streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(index));
  return {};
}

Result<const std::string*> PageMerge::id_of(Open& open) {
  if (!open.id) {
    JCN_TRY(open.id, run_.id_of(open.stream->part(), open.stream->head().place));
  }
  return &*open.id;
}

Result<bool> PageMerge::before(Open& a, Open& b) {
  const PageHead& in_a = a.stream->head();
  const PageHead& in_b = b.stream->head();
  if (order_.by == PageOrder::By::value) {
    const int order = compare(in_a.value, in_b.value);
    if (order != 0) return order_.descending ? order > 0 : order < 0;
  } else if (order_.by == PageOrder::By::score && in_a.score != in_b.score) {
    return in_a.score > in_b.score;
  }
  JCN_TRY(const std::string* id_a, id_of(a));
  JCN_TRY(const std::string* id_b, id_of(b));
  const bool less = *id_a < *id_b;
  return order_.by == PageOrder::By::id && order_.descending ? !less : less;
}

Result<bool> PageMerge::next() {
  JCN_CHECK(run_.step());
  if (begun_ && !streams_.empty()) JCN_CHECK(advance(best_));
  begun_ = true;
  best_ = 0;
  for (std::size_t i = 1; i < streams_.size(); ++i) {
    JCN_TRY(const bool earlier, before(streams_[i], streams_[best_]));
    if (earlier) best_ = i;
  }
  return !streams_.empty();
}

Result<std::string> PageMerge::id() {
  JCN_TRY(const std::string* id, id_of(streams_[best_]));
  return *id;
}

}  // namespace jcn
