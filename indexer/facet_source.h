// Facet sources: the values of a field in one place of keeping (a part's dictionary, or what was
// read from documents), each with how many records of the set have it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/field.h"
#include "kept_counts.h"
#include "posting_list.h"
#include "query_run.h"
#include "search_parts.h"

namespace jcn {

struct CountedValue {
  std::string key;
  std::uint64_t count = 0;
  std::string json;  // once it is asked for
};
using CountedValues = std::vector<CountedValue>;

// Goes through values in the order of their keys; null is none. A source may be told to leave rare
// ones out, and to pass over those that were taken from it.
class FacetSource {
 public:
  virtual ~FacetSource() = default;
  // Adds its counts of these values, whose keys ascend: those are taken now. To be called once.
  virtual Result<void> take(CountedValues& values) = 0;
  // Begins anew, at the first key that is not less than `from`.
  virtual Result<void> rewind(std::string_view from) = 0;
  // The next value that more than `floor` records have, and that was not passed over; false: there
  // is none.
  virtual Result<bool> next() = 0;
  virtual const std::string& key() const = 0;
  virtual std::uint64_t count() const = 0;
  // Of any value, also one that is left out. Does not move. Fast when keys ascend.
  virtual Result<std::uint64_t> count_of(std::string_view key) = 0;
  // Canonical JSON text of a value with a cut key; empty: none that is counted here. Does not move.
  virtual Result<std::string> json_of(std::string_view cut_key) = 0;
  // How many values there are, those left out too; and records, each once for each of its values.
  virtual std::size_t values() const = 0;
  virtual std::uint64_t records() const = 0;
  // Of values that were not taken: how many more records have, and what the most frequent one has.
  virtual std::size_t values_above(std::uint64_t floor) const = 0;
  virtual std::uint64_t largest_count() const = 0;

  void leave_out(std::uint64_t floor) { floor_ = floor; }
  std::uint64_t floor() const { return floor_; }
  void pass_over_taken(bool pass_over) { passes_over_ = pass_over; }

 protected:
  std::uint64_t floor_ = 0;
  bool passes_over_ = false;
};

// `places` outlives it.
class DictionarySource : public FacetSource {
 public:
  DictionarySource(QueryRun& run, const SearchPart& part, const PlaceSet& places,
                   const SegmentField& field, const Field& asked);
  // To be called once, first.
  Result<void> count_all();
  // Takes the most frequent values, at most so many; by key. In place of take().
  Result<CountedValues> take_most_frequent(std::size_t size);

  Result<void> take(CountedValues& values) override;
  Result<void> rewind(std::string_view from) override;
  Result<bool> next() override;
  const std::string& key() const override { return cursor_.key(); }
  std::uint64_t count() const override { return counted_->counts[at_]; }
  Result<std::uint64_t> count_of(std::string_view key) override;
  Result<std::string> json_of(std::string_view cut_key) override;
  std::size_t values() const override { return counted_->values; }
  std::uint64_t records() const override { return counted_->records; }
  std::size_t values_above(std::uint64_t floor) const override;
  std::uint64_t largest_count() const override;

 private:
  Result<void> count_anew(const ValueCounts* kept, ValueCounts& counted);
  Result<void> count_by_dictionary(ValueCounts& counted);
  Result<void> count_by_column(const PlaceSet& places, std::uint32_t sign, ValueCounts& counted);
  std::vector<std::uint32_t> most_frequent(std::size_t size) const;

  QueryRun& run_;
  const SearchPart& part_;
  const PlaceSet& places_;
  const SegmentField& field_;
  const Field& asked_;
  std::shared_ptr<const ValueCounts> counted_;
  std::vector<std::uint32_t> taken_;  // ordinals, ascending
  DictionaryCursor cursor_, lookup_;
  std::uint64_t at_ = 0;        // ordinal that next() gave
  std::uint64_t next_ = 0;      // where it goes on
  std::size_t next_taken_ = 0;  // the first of taken_ that is not before next_
};

// Values that documents were read for.
class DocumentSource : public FacetSource {
 public:
  // What conditions look at in one record: the value at the field.
  void add(std::string_view value);

  Result<void> take(CountedValues& values) override;
  Result<void> rewind(std::string_view from) override;
  Result<bool> next() override;
  const std::string& key() const override { return at_->first; }
  std::uint64_t count() const override { return at_->second.count; }
  Result<std::uint64_t> count_of(std::string_view key) override;
  Result<std::string> json_of(std::string_view cut_key) override;
  std::size_t values() const override { return found_.size(); }
  std::uint64_t records() const override { return records_; }
  std::size_t values_above(std::uint64_t floor) const override;
  std::uint64_t largest_count() const override;

 private:
  struct Found {
    std::uint64_t count = 0;
    std::string json;  // of cut keys
    bool taken = false;
  };
  using Values = std::map<std::string, Found, std::less<>>;
  Values found_;  // by key
  std::uint64_t records_ = 0;
  Values::const_iterator at_, next_;
};

}  // namespace jcn
