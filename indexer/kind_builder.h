// What can be asked of one kind's records in a segment: gathered record by record, then written as
// sorted dictionaries. Strings are kept once and have numbers; what a record has is a few numbers
// each, sorted by counting. One thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "extract.h"
#include "interner.h"
#include "key_sort.h"
#include "search_writer.h"
#include "text.h"

namespace jcn {

class KindBuilder {
 public:
  KindBuilder(std::string_view name, std::uint32_t first_local);
  const std::string& name() const { return name_; }
  // The next place's record; absent: an orphan's.
  void add(std::optional<std::string_view> document, std::int64_t created_ns,
           std::int64_t updated_ns, std::optional<std::int64_t> since_ns = std::nullopt);
  // Once. Gives its memory back on the way.
  Result<void> write(SearchWriter& writer);

 private:
  // A record has a value.
  struct Value {
    std::uint32_t value, place;
  };
  // A record has a word, so often in these fields.
  struct Word {
    std::uint32_t word, uses;
  };
  // Of the record under way: a word's uses are a list, from the latest back.
  struct Use {
    std::uint32_t field, count, before;
  };
  struct FieldUse {
    std::uint32_t field, count;
    auto operator<=>(const FieldUse&) const = default;
  };
  // Keys of one byte, present to true_, are not looked up each time.
  using OneByteKeys = std::array<std::uint32_t, 6>;
  // A token whose number is being looked up.
  struct WaitingToken {
    FieldId field;
    std::uint32_t hash;
    std::uint32_t size;
    std::array<char, longest_token> bytes;
  };

  void add(const Finding& finding);
  void add_one_byte(FieldId field, KeyType type);
  void add_string(FieldId field, std::string_view quoted);
  void add_time(FieldId field, std::int64_t ns);
  void add_value(std::uint32_t value);
  void add_token(FieldId field, std::string_view token);
  void add_waiting(std::size_t until);
  void add_word(FieldId field, std::uint32_t word);
  void close_words();
  std::uint32_t use_set_of(std::uint32_t latest_use);
  std::uint32_t use_set_number();

  std::vector<KeyToSort> fields_by_path() const;
  std::vector<KeyToSort> values_by_field(const std::vector<KeyToSort>& fields) const;
  Result<void> write_text(SearchWriter& writer);
  std::uint32_t use_number(SearchWriter& writer, std::uint32_t set);

  const std::string name_;
  const std::uint32_t first_;
  FieldTable paths_;
  const FieldId created_, updated_, since_, text_;

  std::vector<OneByteKeys> one_byte_;  // by field
  Interner values_;                    // keys; a space per field
  std::vector<Value> places_;          // by place

  Interner vocabulary_;
  Interner use_sets_;                         // each an ascending array of FieldUse
  std::vector<std::uint32_t> once_;           // by field, the set that is {field, 1}
  std::vector<Word> words_;                   // by place
  std::vector<std::size_t> words_ends_;       // per place
  std::vector<std::uint32_t> tokens_;         // per place, how many
  std::vector<std::uint32_t> field_numbers_;  // by field, in the outline that is being written
  std::vector<std::uint32_t> use_numbers_;    // by set, the same

  // Of the record under way.
  std::uint32_t place_ = 0;
  std::array<WaitingToken, 16> waiting_;  // a ring
  std::size_t tokens_begun_ = 0, tokens_added_ = 0;
  std::vector<std::uint32_t> record_words_;
  std::vector<Use> uses_;
  std::vector<FieldUse> use_set_;
  std::string key_;
};

}  // namespace jcn
