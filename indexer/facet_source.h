// Facet sources: the values of a field in one place of keeping (a part's dictionary, or what was
// read from documents), each with how many records of the set have it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/field.h"
#include "posting_list.h"
#include "query_run.h"
#include "search_parts.h"

namespace jcn {

// Goes through values in the order of their keys; null is none. A source may be told to leave rare
// ones out.
class FacetSource {
 public:
  virtual ~FacetSource() = default;
  // Begins anew, at the first key that is not less than `from`.
  virtual Result<void> rewind(std::string_view from) = 0;
  // The next value that more than `floor` records have; false: there is none.
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
  virtual std::size_t values_above(std::uint64_t floor) const = 0;  // that more records have

  void leave_out(std::uint64_t floor) { floor_ = floor; }
  std::uint64_t floor() const { return floor_; }

 protected:
  std::uint64_t floor_ = 0;
};

// `places` outlives it.
class DictionarySource : public FacetSource {
 public:
  DictionarySource(QueryRun& run, const SearchPart& part, const PlaceSet& places,
                   const SegmentField& field, const Field& asked);
  // To be called once, first.
  Result<void> count_all();
  // Ordinals of the most frequent values, at most so many, ascending.
  std::vector<std::uint32_t> most_frequent(std::size_t size) const;
  Result<std::string> key_at(std::uint32_t ordinal);

  Result<void> rewind(std::string_view from) override;
  Result<bool> next() override;
  const std::string& key() const override { return cursor_.key(); }
  std::uint64_t count() const override { return counts_[at_]; }
  Result<std::uint64_t> count_of(std::string_view key) override;
  Result<std::string> json_of(std::string_view cut_key) override;
  std::size_t values() const override { return values_; }
  std::uint64_t records() const override { return records_; }
  std::size_t values_above(std::uint64_t floor) const override;

 private:
  Result<void> count_by_dictionary();
  Result<void> count_by_column(const PlaceSet& places, std::uint32_t sign);

  QueryRun& run_;
  const SearchPart& part_;
  const PlaceSet& places_;
  const SegmentField& field_;
  const Field& asked_;
  std::vector<std::uint32_t> counts_;  // by ordinal
  std::uint32_t first_value_ = 0;      // ordinals below it are markers, or null
  std::size_t values_ = 0;
  std::uint64_t records_ = 0;
  DictionaryCursor cursor_, lookup_;
  std::uint64_t at_ = 0;    // ordinal that next() gave
  std::uint64_t next_ = 0;  // where it goes on
};

// Values that documents were read for.
class DocumentSource : public FacetSource {
 public:
  // What conditions look at in one record: the value at the field.
  void add(std::string_view value);

  Result<void> rewind(std::string_view from) override;
  Result<bool> next() override;
  const std::string& key() const override { return at_->first; }
  std::uint64_t count() const override { return at_->second.count; }
  Result<std::uint64_t> count_of(std::string_view key) override;
  Result<std::string> json_of(std::string_view cut_key) override;
  std::size_t values() const override { return found_.size(); }
  std::uint64_t records() const override { return records_; }
  std::size_t values_above(std::uint64_t floor) const override;

 private:
  struct Found {
    std::uint64_t count = 0;
    std::string json;  // of cut keys
  };
  using Values = std::map<std::string, Found, std::less<>>;
  Values found_;  // by key
  std::uint64_t records_ = 0;
  Values::const_iterator at_, next_;
};

}  // namespace jcn
