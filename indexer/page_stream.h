// Page streams: the records of one part's set, in the order of a listing, from behind where the
// page before ended; and their merge over all parts. A stream does not look further than it is
// asked to.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jcn/query.h"
#include "posting_list.h"
#include "query_run.h"
#include "search_parts.h"
#include "sort_value.h"

namespace jcn {

struct PageOrder {
  enum class By : std::uint8_t { id, value, score };
  By by = By::id;
  bool descending = false;         // ids or values; ties by ascending id in any case
  const Field* field = nullptr;    // by value: no id
  const PageEnd* after = nullptr;  // null: the first page
  std::size_t wanted = 0;          // records of all parts together
};

// A record's stand in the order.
struct PageHead {
  std::uint32_t place = 0;
  SortValue value;
  double score = 0;
};

class PageStream {
 public:
  explicit PageStream(const SearchPart& part) : part_(part) {}
  virtual ~PageStream() = default;
  // The next record; false: there is none.
  virtual Result<bool> next() = 0;

  const SearchPart& part() const { return part_; }
  const PageHead& head() const { return head_; }

 protected:
  const SearchPart& part_;
  PageHead head_;
};

// Keeps as many of a part's records as may be wanted: those behind the page before that fit best.
class BestScores {
 public:
  static Result<BestScores> make(QueryRun& run, const SearchPart& part, const PageOrder& order);
  // Places ascend.
  void add(std::uint32_t place, double score) {
    // Of equals, those that came before stay: they have the lesser ids.
    if (full_ && score <= worst_) return;
    if (score > end_score_ || (score == end_score_ && place < behind_)) return;
    kept_.push_back({place, score});
    if (kept_.size() >= 2 * wanted_) cut();
  }

  struct Scored {
    std::uint32_t place = 0;
    double score = 0;
  };
  std::vector<Scored> take();  // the best first

 private:
  void cut();

  std::size_t wanted_ = 1;
  // Where the page before ended: a record with that score is behind it from that place on.
  double end_score_ = std::numeric_limits<double>::infinity();
  std::uint32_t behind_ = 0;
  std::vector<Scored> kept_;
  bool full_ = false;  // some were left out
  double worst_ = 0;   // of those kept, once some were left out
};

// Each keeps to `places`, which outlive it.
Result<std::unique_ptr<PageStream>> stream_by_id(QueryRun& run, const SearchPart& part,
                                                 const PlaceSet& places, const PageOrder& order);
Result<std::unique_ptr<PageStream>> stream_by_value(QueryRun& run, const SearchPart& part,
                                                    const PlaceSet& places, const PageOrder& order);
std::unique_ptr<PageStream> stream_by_score(const SearchPart& part, BestScores best);

// All parts' records in one order.
class PageMerge {
 public:
  PageMerge(QueryRun& run, const PageOrder& order) : run_(run), order_(order) {}
  Result<void> add(std::unique_ptr<PageStream> stream);
  // The next record; false: there is none.
  Result<bool> next();
  const PageHead& head() const { return streams_[best_].stream->head(); }
  const SearchPart& part() const { return streams_[best_].stream->part(); }
  Result<std::string> id();

 private:
  struct Open {
    std::unique_ptr<PageStream> stream;
    std::optional<std::string> id;  // of its head, once it was asked for
  };
  Result<void> advance(std::size_t index);
  Result<const std::string*> id_of(Open& open);
  Result<bool> before(Open& a, Open& b);

  QueryRun& run_;
  const PageOrder& order_;
  std::vector<Open> streams_;
  std::size_t best_ = 0;
  bool begun_ = false;
};

}  // namespace jcn
