#include "facet_source.h"

#include <algorithm>
#include <set>

#include "encoding.h"
#include "field_condition.h"
#include "match.h"
#include "place_walk.h"

namespace jcn {
namespace {

constexpr std::uint32_t chunk_steps = 512;
// What a step of a dictionary costs beside one of a column.
constexpr std::uint64_t places_per_entry = 16;
// What a place costs beside one of many, when it is looked up by itself.
constexpr std::uint64_t places_per_difference = 4;
// So few places are looked up one by one.
constexpr std::uint32_t few_of_chunk = column_chunk / 16;
// Counts of fewer places are made as fast as they are found.
constexpr std::uint32_t places_worth_keeping = 256;
// Whose ordinals are kept with the counts.
constexpr std::size_t frequent_values = 128;
constexpr auto minus_one = static_cast<std::uint32_t>(-1);

std::uint64_t differences(const PlaceSet& a, const PlaceSet& b) {
  return a.count() + b.count() - 2 * a.count_common(b);
}

}  // namespace

DictionarySource::DictionarySource(QueryRun& run, const SearchPart& part, const PlaceSet& places,
                                   const SegmentField& field, const Field& asked)
    : run_(run),
      part_(part),
      places_(places),
      field_(field),
      asked_(asked),
      cursor_(part.search->dictionary(field)),
      lookup_(part.search->dictionary(field)) {}

Result<void> DictionarySource::count_all() {
  KeptCounts& kept_counts = run_.kept_counts();
  const bool keeps = part_.places() >= places_worth_keeping;
  const auto kept = keeps ? kept_counts.find(part_.search->outline(), field_) : nullptr;
  if (kept && kept->places == places_) {
    counted_ = kept;
    return {};
  }
  auto counted = std::make_shared<ValueCounts>();
  counted->places = places_;
  JCN_CHECK(count_anew(kept.get(), *counted));
  counted_ = counted;
  // What a filter leaves is seldom asked for again.
  if (!keeps || places_.count() != part_.living.count()) return {};
  counted->frequent = most_frequent(frequent_values);
  kept_counts.keep(part_.search->shared_outline(), field_, counted_);
  return {};
}

// The way that has the least to look at.
Result<void> DictionarySource::count_anew(const ValueCounts* kept, ValueCounts& counted) {
  const std::uint64_t entries = field_.end_value - field_.first_value;
  const std::uint64_t asked = places_.count(), living = part_.living.count();
  const std::uint64_t dead = part_.places() - living;
  std::uint64_t work = asked;
  // Of all the living: the dictionary knows how many have a value, dead ones included.
  const bool by_dictionary = asked == living && entries * places_per_entry + dead < work;
  if (by_dictionary) work = entries * places_per_entry + dead;
  if (kept && places_per_difference * differences(kept->places, places_) < work) {
    counted.counts = kept->counts;
    counted.first_value = kept->first_value;
    PlaceSet more = places_, gone = kept->places;
    JCN_CHECK(count_by_column(more.subtract(kept->places), 1, counted));
    JCN_CHECK(count_by_column(gone.subtract(places_), minus_one, counted));
  } else {
    JCN_TRY(const std::uint64_t first,
            part_.search->lower_bound(field_, behind_all(marker_key(KeyType::null))));
    counted.first_value = static_cast<std::uint32_t>(first);
    counted.counts.assign(entries, 0);
    JCN_CHECK(by_dictionary ? count_by_dictionary(counted) : count_by_column(places_, 1, counted));
  }
  for (std::size_t i = counted.first_value; i < counted.counts.size(); ++i) {
    counted.values += counted.counts[i] != 0 ? 1 : 0;
    counted.records += counted.counts[i];
  }
  return {};
}

Result<void> DictionarySource::count_by_dictionary(ValueCounts& counted) {
  JCN_TRY(bool found, cursor_.seek_ordinal(counted.first_value));
  while (found) {
    JCN_CHECK(run_.step());
    counted.counts[cursor_.entry().ordinal] = cursor_.entry().documents;
    JCN_TRY(found, cursor_.next());
  }
  PlaceSet dead = part_.living;
  dead.invert();
  return count_by_column(dead, minus_one, counted);
}

// Adds `sign`, 1 or -1, for each value of each place.
Result<void> DictionarySource::count_by_column(const PlaceSet& places, std::uint32_t sign,
                                               ValueCounts& counted) {
  std::vector<std::uint32_t>& counts = counted.counts;
  const std::size_t entries = counts.size();
  bool beyond = false;
  const auto add = [&](std::uint32_t ordinal) {
    if (ordinal < entries) {
      counts[ordinal] += sign;
    } else {
      beyond = true;
    }
  };
  for (std::uint32_t number = 0; number < chunk_count(places); ++number) {
    const std::uint32_t asked = count_in_chunk(places, number);
    if (asked == 0) continue;
    JCN_CHECK(run_.step(chunk_steps));
    JCN_TRY(const ColumnChunkView chunk, part_.search->column(field_, number));
    if (chunk.dense()) {
      for_each_in_chunk(places, number, [&](std::uint32_t place) {
        if (const std::uint32_t next = chunk.dense_ordinal(place)) add(next - 1);
      });
    } else if (asked == chunk_places(places, number)) {
      chunk.for_each_present([&](std::uint32_t, std::uint32_t ordinal) { add(ordinal); });
    } else if (asked < few_of_chunk) {
      std::uint32_t hint = 0;
      for_each_in_chunk(places, number,
                        [&](std::uint32_t place) { chunk.for_each(place, hint, add); });
    } else {
      const std::uint32_t first = number * column_chunk;
      chunk.for_each_present([&](std::uint32_t place, std::uint32_t ordinal) {
        if (places.test(first + place)) add(ordinal);
      });
    }
  }
  if (beyond) return damaged("a segment's column leads beyond its dictionary");
  return {};
}

// Ordinals, most frequent first.
std::vector<std::uint32_t> DictionarySource::most_frequent(std::size_t size) const {
  const std::vector<std::uint32_t>& counts = counted_->counts;
  std::vector<std::uint32_t> ordinals;
  ordinals.reserve(counted_->values);
  for (std::size_t i = counted_->first_value; i < counts.size(); ++i) {
    if (counts[i] != 0) ordinals.push_back(static_cast<std::uint32_t>(i));
  }
  const auto before = [&](std::uint32_t a, std::uint32_t b) {
    return counts[a] != counts[b] ? counts[a] > counts[b] : a < b;
  };
  const auto end = ordinals.begin() + static_cast<std::ptrdiff_t>(std::min(size, ordinals.size()));
  std::partial_sort(ordinals.begin(), end, ordinals.end(), before);
  ordinals.erase(end, ordinals.end());
  ordinals.shrink_to_fit();
  return ordinals;
}

Result<CountedValues> DictionarySource::take_most_frequent(std::size_t size) {
  const std::vector<std::uint32_t>& known = counted_->frequent;
  taken_ = size <= known.size()
               ? std::vector(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(size))
               : most_frequent(size);
  std::sort(taken_.begin(), taken_.end());
  CountedValues values;
  values.reserve(taken_.size());
  for (const std::uint32_t ordinal : taken_) {
    JCN_CHECK(run_.step());
    JCN_TRY(const bool found, lookup_.seek_ordinal(ordinal));
    if (!found) return damaged("a segment's dictionary ends early");
    values.push_back({lookup_.key(), counted_->counts[ordinal], {}});
  }
  return values;
}

Result<void> DictionarySource::take(CountedValues& values) {
  for (CountedValue& value : values) {
    JCN_CHECK(run_.step());
    JCN_TRY(const bool found, lookup_.seek(value.key));
    if (!found) break;
    if (lookup_.key() != value.key) continue;
    const auto ordinal = static_cast<std::uint32_t>(lookup_.entry().ordinal);
    value.count += counted_->counts[ordinal];
    taken_.push_back(ordinal);
  }
  return {};
}

std::size_t DictionarySource::values_above(std::uint64_t floor) const {
  const std::vector<std::uint32_t>& counts = counted_->counts;
  const auto above = [floor](std::uint32_t count) { return count > floor; };
  const auto all = std::count_if(counts.begin() + counted_->first_value, counts.end(), above);
  const auto taken = std::count_if(taken_.begin(), taken_.end(),
                                   [&](std::uint32_t ordinal) { return above(counts[ordinal]); });
  return static_cast<std::size_t>(all - taken);
}

std::uint64_t DictionarySource::largest_count() const {
  std::uint32_t largest = 0;
  std::size_t i = counted_->first_value;
  const auto up_to = [&](std::size_t end) {
    for (; i < end; ++i) largest = std::max(largest, counted_->counts[i]);
  };
  for (const std::uint32_t ordinal : taken_) {
    up_to(ordinal);
    i = std::size_t{ordinal} + 1;
  }
  up_to(counted_->counts.size());
  return largest;
}

Result<void> DictionarySource::rewind(std::string_view from) {
  std::uint64_t first = 0;
  if (!from.empty()) {
    JCN_TRY(first, part_.search->lower_bound(field_, from));
  }
  next_ = std::max<std::uint64_t>(first, counted_->first_value);
  next_taken_ = static_cast<std::size_t>(std::lower_bound(taken_.begin(), taken_.end(), next_) -
                                         taken_.begin());
  return {};
}

Result<bool> DictionarySource::next() {
  const std::vector<std::uint32_t>& counts = counted_->counts;
  for (; next_ < counts.size(); ++next_) {
    if (counts[next_] <= floor_) continue;
    if (!passes_over_) break;
    while (next_taken_ < taken_.size() && taken_[next_taken_] < next_) ++next_taken_;
    if (next_taken_ == taken_.size() || taken_[next_taken_] != next_) break;
  }
  if (next_ == counts.size()) return false;
  JCN_CHECK(run_.step());
  at_ = next_++;
  JCN_TRY(const bool found, cursor_.seek_ordinal(at_));
  if (!found) return damaged("a segment's dictionary ends early");
  return true;
}

Result<std::uint64_t> DictionarySource::count_of(std::string_view key) {
  JCN_CHECK(run_.step());
  JCN_TRY(const bool found, lookup_.seek(key));
  if (!found || lookup_.key() != key) return std::uint64_t{0};
  return std::uint64_t{counted_->counts[lookup_.entry().ordinal]};
}

Result<std::string> DictionarySource::json_of(std::string_view cut_key) {
  JCN_TRY(const bool found, lookup_.seek(cut_key));
  if (!found || lookup_.key() != cut_key) return std::string();
  PlaceSet holders(part_.places());
  JCN_CHECK(part_.search->add_places(field_, lookup_.entry(), holders));
  holders &= places_;
  if (holders.none()) return std::string();
  JCN_TRY(const Record record, run_.record_at(part_, holders.next(0)));
  std::string json;
  if (const auto value = member_at(record.document, asked_)) {
    for_each_scalar(*value, [&](std::string_view scalar) {
      if (value_key(scalar) == cut_key) json = scalar;
      return json.empty();
    });
  }
  if (json.empty()) return damaged("a segment's dictionary has a value that its record has not");
  return json;
}

void DocumentSource::add(std::string_view value) {
  std::set<std::string> seen;
  for_each_scalar(value, [&](std::string_view scalar) {
    if (json_type(scalar) == JsonType::null) return true;
    const auto [key, first] = seen.insert(value_key(scalar));
    if (!first) return true;
    Found& found = found_[*key];
    ++found.count;
    if (found.count == 1 && is_cut(*key)) found.json = scalar;
    ++records_;
    return true;
  });
}

Result<void> DocumentSource::take(CountedValues& values) {
  for (CountedValue& value : values) {
    const auto found = found_.find(value.key);
    if (found == found_.end()) continue;
    value.count += found->second.count;
    found->second.taken = true;
  }
  return {};
}

Result<void> DocumentSource::rewind(std::string_view from) {
  next_ = found_.lower_bound(from);
  return {};
}

Result<bool> DocumentSource::next() {
  const auto skipped = [this](const Found& found) {
    return found.count <= floor_ || (passes_over_ && found.taken);
  };
  while (next_ != found_.end() && skipped(next_->second)) ++next_;
  if (next_ == found_.end()) return false;
  at_ = next_++;
  return true;
}

std::size_t DocumentSource::values_above(std::uint64_t floor) const {
  return static_cast<std::size_t>(std::count_if(
      found_.begin(), found_.end(),
      [floor](const auto& found) { return !found.second.taken && found.second.count > floor; }));
}

std::uint64_t DocumentSource::largest_count() const {
  std::uint64_t largest = 0;
  for (const auto& [key, found] : found_) {
    if (!found.taken) largest = std::max(largest, found.count);
  }
  return largest;
}

Result<std::uint64_t> DocumentSource::count_of(std::string_view key) {
  const auto found = found_.find(key);
  return found == found_.end() ? 0 : found->second.count;
}

Result<std::string> DocumentSource::json_of(std::string_view cut_key) {
  const auto found = found_.find(cut_key);
  return found == found_.end() ? std::string() : found->second.json;
}

}  // namespace jcn
