#include "facet_source.h"

#include <algorithm>
#include <numeric>
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
// So few places are looked up one by one.
constexpr std::uint32_t few_of_chunk = column_chunk / 16;

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
  const std::uint64_t entries = field_.end_value - field_.first_value;
  JCN_TRY(const std::uint64_t first,
          part_.search->lower_bound(field_, behind_all(marker_key(KeyType::null))));
  first_value_ = static_cast<std::uint32_t>(first);
  counts_.assign(entries, 0);
  // Of all the living: the dictionary knows how many have a value, dead ones included.
  const std::uint64_t asked = places_.count(), living = part_.living.count();
  const std::uint64_t dead = part_.places() - living;
  if (asked == living && dead <= living && entries * places_per_entry + dead < living) {
    JCN_CHECK(count_by_dictionary());
  } else {
    JCN_CHECK(count_by_column(places_, 1));
  }
  for (std::size_t i = first_value_; i < counts_.size(); ++i) {
    values_ += counts_[i] != 0 ? 1 : 0;
    records_ += counts_[i];
  }
  next_ = first_value_;
  return {};
}

Result<void> DictionarySource::count_by_dictionary() {
  JCN_TRY(bool found, cursor_.seek_ordinal(first_value_));
  while (found) {
    JCN_CHECK(run_.step());
    counts_[cursor_.entry().ordinal] = cursor_.entry().documents;
    JCN_TRY(found, cursor_.next());
  }
  PlaceSet dead = part_.living;
  dead.invert();
  return count_by_column(dead, static_cast<std::uint32_t>(-1));
}

// Adds `sign`, 1 or -1, for each value of each place.
Result<void> DictionarySource::count_by_column(const PlaceSet& places, std::uint32_t sign) {
  const std::size_t entries = counts_.size();
  bool beyond = false;
  const auto add = [&](std::uint32_t ordinal) {
    if (ordinal < entries) {
      counts_[ordinal] += sign;
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

std::size_t DictionarySource::values_above(std::uint64_t floor) const {
  return static_cast<std::size_t>(
      std::count_if(counts_.begin() + first_value_, counts_.end(),
                    [floor](std::uint32_t count) { return count > floor; }));
}

std::vector<std::uint32_t> DictionarySource::most_frequent(std::size_t size) const {
  std::vector<std::uint32_t> ordinals;
  for (std::size_t i = first_value_; i < counts_.size(); ++i) {
    if (counts_[i] != 0) ordinals.push_back(static_cast<std::uint32_t>(i));
  }
  if (ordinals.size() > size) {
    std::nth_element(ordinals.begin(), ordinals.begin() + static_cast<std::ptrdiff_t>(size),
                     ordinals.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return counts_[a] > counts_[b]; });
    ordinals.resize(size);
  }
  std::sort(ordinals.begin(), ordinals.end());
  return ordinals;
}

Result<std::string> DictionarySource::key_at(std::uint32_t ordinal) {
  JCN_TRY(const bool found, cursor_.seek_ordinal(ordinal));
  if (!found) return damaged("a segment's dictionary ends early");
  return cursor_.key();
}

Result<void> DictionarySource::rewind(std::string_view from) {
  JCN_TRY(const std::uint64_t first, part_.search->lower_bound(field_, from));
  next_ = std::max<std::uint64_t>(first, first_value_);
  return {};
}

Result<bool> DictionarySource::next() {
  while (next_ < counts_.size() && counts_[next_] <= floor_) ++next_;
  if (next_ == counts_.size()) return false;
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
  return std::uint64_t{counts_[lookup_.entry().ordinal]};
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

Result<void> DocumentSource::rewind(std::string_view from) {
  next_ = found_.lower_bound(from);
  return {};
}

Result<bool> DocumentSource::next() {
  while (next_ != found_.end() && next_->second.count <= floor_) ++next_;
  if (next_ == found_.end()) return false;
  at_ = next_++;
  return true;
}

std::size_t DocumentSource::values_above(std::uint64_t floor) const {
  return static_cast<std::size_t>(
      std::count_if(found_.begin(), found_.end(),
                    [floor](const auto& found) { return found.second.count > floor; }));
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
