#include "facets.h"

#include <algorithm>
#include <memory>

#include "encoding.h"
#include "facet_source.h"
#include "field_condition.h"
#include "filter_places.h"
#include "jcn/canonical.h"
#include "match.h"
#include "page_stream.h"
#include "sort_value.h"
#include "timed_sort.h"

namespace jcn {
namespace {

// So few values are all decoded, without a bound being sought first.
constexpr std::size_t few_values = 1024;

class FacetCount {
 public:
  FacetCount(QueryRun& run, const std::vector<SearchPart>& parts,
             const std::vector<PlaceSet>& places, const Field& field, std::size_t size,
             std::uint64_t most_bytes)
      : run_(run),
        parts_(parts),
        places_(places),
        field_(field),
        size_(size),
        most_bytes_(most_bytes) {}

  Result<Facet> answer() {
    JCN_CHECK(open());
    JCN_CHECK(leave_out_rare());
    JCN_CHECK(merge());
    JCN_CHECK(settle_last_run());
    JCN_CHECK(put_in_order(best_));
    Facet facet;
    facet.truncated = truncated_;
    for (CountedValue& value : best_) facet.values.push_back({std::move(value.json), value.count});
    return facet;
  }

 private:
  static bool more_frequent(const CountedValue& a, const CountedValue& b) {
    return a.count != b.count ? a.count > b.count : a.key < b.key;
  }

  Result<void> open() {
    auto documents = std::make_unique<DocumentSource>();
    rest_.reserve(parts_.size());  // sources refer to its elements
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (places_[i].none()) continue;
      const PlaceSet* places = &places_[i];
      if (field_.may_index) {
        JCN_TRY(PlaceSet indexed, indexed_places(parts_[i], field_));
        indexed &= *places;
        JCN_CHECK(read(parts_[i], indexed, *documents));
        rest_.push_back(*places);
        places = &rest_.back().subtract(indexed);
      }
      const SegmentField* field = part_field(parts_[i], field_.path);
      if (!field) continue;
      auto source = std::make_unique<DictionarySource>(run_, parts_[i], *places, *field, field_);
      JCN_CHECK(source->count_all());
      if (source->values() == 0) continue;
      if (!largest_ || source->records() > largest_->records()) largest_ = source.get();
      sources_.push_back(std::move(source));
    }
    if (documents->values() > 0) sources_.push_back(std::move(documents));
    return {};
  }

  Result<void> read(const SearchPart& part, const PlaceSet& places, DocumentSource& documents) {
    for (std::uint32_t place = places.next(0); place < places.size();
         place = places.next(place + 1)) {
      JCN_TRY(const Record record, run_.record_at(part, place));
      if (const auto value = member_at(record.document, field_)) documents.add(*value);
    }
    return {};
  }

  // What is most frequent in the largest source is had by at least `bound` records each, all
  // sources counted; and there are enough of them. So a value that no source has more often than
  // its share of bound - 1 can't be among the first, however that is shared out.
  Result<void> leave_out_rare() {
    std::size_t values = 0;
    std::uint64_t records = 0;
    for (const auto& source : sources_) {
      values += source->values();
      records += source->records();
      truncated_ = truncated_ || source->values() > size_;
    }
    if (size_ == 0 || values <= few_values) return {};
    if (!largest_ || largest_->values() <= size_) return {};
    JCN_TRY(likely_, largest_->take_most_frequent(size_));
    for (const auto& source : sources_) {
      if (source.get() != largest_) JCN_CHECK(source->take(likely_));
    }
    bound_ = likely_.front().count;
    for (const CountedValue& value : likely_) bound_ = std::min(bound_, value.count);
    share_out(bound_ - 1, records);
    return {};
  }

  // In proportion to the sources' sizes, or equally, or so that only the largest one leaves some:
  // whichever leaves most out. What was taken from the sources already is no matter.
  void share_out(std::uint64_t sum, std::uint64_t records) {
    using Shares = std::vector<std::uint64_t>;
    Shares by_size, equal, of_largest;
    std::uint64_t of_others = 0;
    for (const auto& source : sources_) {
      by_size.push_back(sum * source->records() / records);
      equal.push_back(sum / sources_.size());
      of_largest.push_back(source.get() == largest_ ? 0 : source->largest_count());
      of_others += of_largest.back();
    }
    const auto left = [&](const Shares& shares) {
      std::size_t values = 0;
      for (std::size_t i = 0; i < shares.size(); ++i) {
        values += sources_[i]->values_above(shares[i]);
      }
      return values;
    };
    const Shares* best = left(by_size) < left(equal) ? &by_size : &equal;
    if (of_others <= sum) {
      for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (sources_[i].get() == largest_) of_largest[i] = sum - of_others;
      }
      if (left(of_largest) < left(*best)) best = &of_largest;
    }
    for (std::size_t i = 0; i < sources_.size(); ++i) sources_[i]->leave_out((*best)[i]);
  }

  // Calls visit(key, count) in key order, from `from` on, while it returns true: for each value
  // that `bound_` records have or more, and for some others.
  template <class Visit>
  Result<void> for_each_value(std::string_view from, Visit&& visit) {
    std::vector<FacetSource*> open;
    const auto later = [](const FacetSource* a, const FacetSource* b) {
      return a->key() > b->key();
    };
    for (const auto& source : sources_) {
      JCN_CHECK(source->rewind(from));
      JCN_TRY(const bool any, source->next());
      if (any) open.push_back(source.get());
    }
    std::make_heap(open.begin(), open.end(), later);
    while (!open.empty()) {
      // Those that stand on the least key go to the end.
      auto same = open.end();
      std::uint64_t count = 0;
      do {
        std::pop_heap(open.begin(), same, later);
        --same;
        count += (*same)->count();
      } while (same != open.begin() && open.front()->key() == (*same)->key());
      const std::string& key = (*same)->key();
      JCN_TRY(const bool frequent, add_left_out(key, same, open.end(), count));
      if (frequent && !visit(key, count)) return {};
      for (auto at = same; at != open.end();) {
        JCN_TRY(const bool any, (*at)->next());
        if (any) {
          // What is before `at` is part of the heap again.
          ++at;
          std::push_heap(open.begin(), at, later);
        } else {
          at = open.erase(at);
        }
      }
    }
    return {};
  }

  using OpenSources = std::vector<FacetSource*>::const_iterator;
  // Adds what sources have of a value that they leave out: all but those that have counted it.
  // False: it isn't among the first, whatever they have.
  Result<bool> add_left_out(const std::string& key, OpenSources counted, OpenSources counted_end,
                            std::uint64_t& count) {
    const auto leaves_out = [&](const FacetSource& source) {
      return source.floor() != 0 && std::find(counted, counted_end, &source) == counted_end;
    };
    std::uint64_t at_most = count;
    for (const auto& source : sources_) {
      if (leaves_out(*source)) at_most += source->floor();
    }
    if (at_most < bound_) return false;
    for (const auto& source : sources_) {
      if (!leaves_out(*source)) continue;
      JCN_TRY(const std::uint64_t left_out, source->count_of(key));
      count += left_out;
    }
    return true;
  }

  // The first values, but for the order of cut keys.
  Result<void> merge() {
    for (const auto& source : sources_) source->pass_over_taken(true);
    std::size_t values = likely_.size();
    best_ = std::move(likely_);
    JCN_CHECK(for_each_value({}, [&](const std::string& key, std::uint64_t count) {
      ++values;
      if (size_ == 0) return false;
      if (full_) {
        const CountedValue& last = best_[size_ - 1];
        if (count < last.count || (count == last.count && key > last.key)) return true;
      }
      best_.push_back({key, count, {}});
      if (best_.size() >= 2 * size_) keep_best();
      return true;
    }));
    keep_best();
    truncated_ = truncated_ || values > size_;
    for (const auto& source : sources_) source->pass_over_taken(false);
    return {};
  }

  void keep_best() {
    if (best_.size() <= size_ || size_ == 0) return;
    std::nth_element(best_.begin(), best_.begin() + static_cast<std::ptrdiff_t>(size_ - 1),
                     best_.end(), more_frequent);
    best_.resize(size_);
    full_ = true;
  }

  // Among equally frequent values with the beginning of the last one, keys may have chosen others
  // than values would.
  Result<void> settle_last_run() {
    if (!full_) return {};
    const CountedValue last = *std::max_element(best_.begin(), best_.end(), more_frequent);
    if (!may_share_beginning(last.key)) return {};
    const std::string beginning(key_beginning(last.key));
    CountedValues run;
    bool any_cut = false;
    JCN_CHECK(for_each_value(beginning, [&](const std::string& key, std::uint64_t count) {
      if (!key.starts_with(beginning)) return false;
      if (count != last.count) return true;
      any_cut = any_cut || is_cut(key);
      run.push_back({key, count, {}});
      return true;
    }));
    if (!any_cut) return {};
    JCN_CHECK(put_in_order(run));
    std::erase_if(best_, [&](const CountedValue& value) {
      return value.count == last.count && value.key.starts_with(beginning);
    });
    for (std::size_t i = 0; best_.size() < size_ && i < run.size(); ++i) {
      best_.push_back(std::move(run[i]));
    }
    return {};
  }

  // Of a cut key, the text stands in a document.
  Result<void> find_json(CountedValue& value) {
    if (!is_cut(value.key)) {
      auto json = key_json(value.key);
      if (!json) return damaged("a segment's dictionary has a malformed key");
      value.json = std::move(*json);
    }
    for (std::size_t i = 0; value.json.empty() && i < sources_.size(); ++i) {
      JCN_TRY(value.json, sources_[i]->json_of(value.key));
    }
    return {};
  }

  // Leaves out those behind where all of them together have too many bytes.
  Result<void> put_in_order(CountedValues& values) {
    CountedValues kept;
    std::uint64_t bytes = 0;
    for (CountedValue& value : values) {
      JCN_CHECK(run_.step());
      if (value.json.empty()) JCN_CHECK(find_json(value));
      bytes += value.json.size();
      kept.push_back(std::move(value));
      // One that is too many stays for now: nothing behind it may take its place.
      if (bytes > 2 * most_bytes_) {
        JCN_TRY(bytes, cut(kept, 1));
      }
    }
    JCN_TRY(bytes, cut(kept, 0));
    values = std::move(kept);
    return {};
  }

  // To the first ones with no more bytes than there may be, one of them at least, and so many more.
  // The bytes that they have.
  Result<std::uint64_t> cut(CountedValues& values, std::size_t more) {
    JCN_CHECK(sort_in_time(run_, values, [](const CountedValue& a, const CountedValue& b) {
      return a.count != b.count ? a.count > b.count : compare_values(a.json, b.json) < 0;
    }));
    std::uint64_t bytes = 0;
    std::size_t fitting = 0;
    for (; fitting < values.size(); ++fitting) {
      if (fitting > 0 && bytes + values[fitting].json.size() > most_bytes_) break;
      bytes += values[fitting].json.size();
    }
    truncated_ = truncated_ || fitting < values.size();
    for (std::size_t i = fitting; i < std::min(fitting + more, values.size()); ++i) {
      bytes += values[i].json.size();
    }
    values.resize(std::min(fitting + more, values.size()));
    return bytes;
  }

  QueryRun& run_;
  const std::vector<SearchPart>& parts_;
  const std::vector<PlaceSet>& places_;
  const Field& field_;
  const std::size_t size_;
  const std::uint64_t most_bytes_;  // of the values' texts
  std::vector<PlaceSet> rest_;      // of a pointer: places that need no document
  std::vector<std::unique_ptr<FacetSource>> sources_;
  DictionarySource* largest_ = nullptr;
  CountedValues likely_;     // taken from the sources; by key
  std::uint64_t bound_ = 0;  // at least as many records have each of the first values
  CountedValues best_;
  bool full_ = false;  // some values did not make it into best_
  bool truncated_ = false;
};

// Every record has one, and no other has it.
Result<Facet> count_ids(QueryRun& run, const std::vector<SearchPart>& parts,
                        const std::vector<PlaceSet>& places, std::uint32_t size) {
  PageOrder order;
  order.wanted = std::size_t{size} + 1;
  PageMerge merge(run, order);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    JCN_TRY(auto stream, stream_by_id(run, parts[i], places[i], order));
    JCN_CHECK(merge.add(std::move(stream)));
  }
  Facet facet;
  for (;;) {
    JCN_TRY(const bool more, merge.next());
    if (!more) return facet;
    if (facet.values.size() == size) break;
    JCN_TRY(const std::string id, merge.id());
    facet.values.push_back({json_quote(id), 1});
  }
  facet.truncated = true;
  return facet;
}

}  // namespace

Result<Facet> count_values(QueryRun& run, const std::vector<SearchPart>& parts,
                           const std::vector<PlaceSet>& places, const Field& field,
                           std::uint32_t size, std::uint64_t most_bytes) {
  if (field.kind == Field::Kind::id) return count_ids(run, parts, places, size);
  return FacetCount(run, parts, places, field, size, most_bytes).answer();
}

}  // namespace jcn
