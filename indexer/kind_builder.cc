#include "kind_builder.h"

#include <algorithm>
#include <cstring>

#include "jcn/canonical.h"
#include "jcn/time_text.h"
#include "text.h"

namespace jcn {
namespace {

constexpr std::uint32_t none = Interner::none;

KeyType one_byte_key(JsonType type, std::string_view text) {
  switch (type) {
    case JsonType::array:
      return KeyType::array;
    case JsonType::object:
      return KeyType::object;
    case JsonType::null:
      return KeyType::null;
    default:
      return text == "true" ? KeyType::true_ : KeyType::false_;
  }
}

std::size_t one_byte_number(KeyType type) {
  constexpr std::array types = {KeyType::present, KeyType::array,  KeyType::object,
                                KeyType::null,    KeyType::false_, KeyType::true_};
  return static_cast<std::size_t>(std::find(types.begin(), types.end(), type) - types.begin());
}

// Where each list begins, when they lie one behind the other in this order.
std::vector<std::uint32_t> list_begins(const Interner& lists, std::span<const KeyToSort> order) {
  std::vector<std::uint32_t> begins(lists.size());
  std::uint32_t begin = 0;
  for (const KeyToSort& list : order) {
    begins[list.number] = begin;
    begin += lists[list.number].places;
  }
  return begins;
}

}  // namespace

KindBuilder::KindBuilder(std::string_view name, std::uint32_t first_local)
    : name_(name),
      first_(first_local),
      created_(paths_.find_or_add(created_field)),
      updated_(paths_.find_or_add(updated_field)),
      since_(paths_.find_or_add(since_field)),
      text_(paths_.find_or_add(text_field)) {}

void KindBuilder::add(std::optional<std::string_view> document, std::int64_t created_ns,
                      std::int64_t updated_ns, std::optional<std::int64_t> since_ns) {
  place_ = static_cast<std::uint32_t>(tokens_.size());
  tokens_.push_back(0);
  if (document) {
    add_time(created_, created_ns);
    add_time(updated_, updated_ns);
    if (since_ns) add_time(since_, *since_ns);
    extract(*document, paths_, [this](const Finding& finding) { add(finding); });
    close_words();
  }
  words_ends_.push_back(words_.size());
}

void KindBuilder::add(const Finding& finding) {
  if (!finding.element) add_one_byte(finding.field, KeyType::present);
  switch (finding.type) {
    case JsonType::string:
      return add_string(finding.field, finding.text);
    case JsonType::number:
      key_.clear();
      append_value_key(key_, finding.text);
      return add_value(values_.number(key_, finding.field));
    default:
      return add_one_byte(finding.field, one_byte_key(finding.type, finding.text));
  }
}

void KindBuilder::add_one_byte(FieldId field, KeyType type) {
  if (one_byte_.size() <= field) {
    OneByteKeys unknown;
    unknown.fill(none);
    one_byte_.resize(std::max<std::size_t>(field + std::size_t{1}, one_byte_.size() * 2), unknown);
  }
  std::uint32_t& value = one_byte_[field][one_byte_number(type)];
  if (value == none) {
    const char byte = static_cast<char>(type);
    value = values_.number({&byte, 1}, field);
  }
  add_value(value);
}

void KindBuilder::add_string(FieldId field, std::string_view quoted) {
  std::string_view text = quoted.substr(1, quoted.size() - 2);
  std::string unquoted;
  if (text.find('\\') != std::string_view::npos) {
    unquoted = json_unquote(quoted);
    text = unquoted;
  }
  key_.clear();
  append_string_key(key_, text);
  const std::uint32_t hash = Interner::hash(key_, field);
  values_.fetch_bucket(hash);
  Tokens tokens(text);
  while (tokens.next()) add_token(field, tokens.token());
  add_value(values_.number(key_, field, hash));
}

void KindBuilder::add_time(FieldId field, std::int64_t ns) {
  add_one_byte(field, KeyType::present);
  key_.clear();
  append_string_key(key_, rfc3339(ns));
  add_value(values_.number(key_, field));
}

void KindBuilder::add_value(std::uint32_t value) {
  Interner::Entry& entry = values_[value];
  if (entry.last_place == place_) return;
  entry.last_place = place_;
  ++entry.places;
  places_.push_back({value, place_});
}

void KindBuilder::add_token(FieldId field, std::string_view token) {
  constexpr std::size_t ring = std::tuple_size_v<decltype(waiting_)>;
  if (tokens_begun_ - tokens_added_ == ring) add_waiting(tokens_added_ + 1);
  WaitingToken& waiting = waiting_[tokens_begun_ % ring];
  waiting.field = field;
  waiting.hash = Interner::hash(token);
  waiting.size = static_cast<std::uint32_t>(token.copy(waiting.bytes.data(), longest_token));
  vocabulary_.fetch_bucket(waiting.hash);
  // Half way round, the bucket is there.
  if (tokens_begun_ - tokens_added_ >= ring / 2) {
    vocabulary_.fetch_entry(waiting_[(tokens_begun_ - ring / 2) % ring].hash);
  }
  ++tokens_begun_;
}

void KindBuilder::add_waiting(std::size_t until) {
  for (; tokens_added_ < until; ++tokens_added_) {
    const WaitingToken& waiting = waiting_[tokens_added_ % waiting_.size()];
    const std::string_view token(waiting.bytes.data(), waiting.size);
    add_word(waiting.field, vocabulary_.number(token, 0, waiting.hash));
  }
}

void KindBuilder::add_word(FieldId field, std::uint32_t word) {
  ++tokens_.back();
  Interner::Entry& entry = vocabulary_[word];
  std::uint32_t before = entry.slot;
  if (entry.last_place != place_) {
    entry.last_place = place_;
    ++entry.places;
    record_words_.push_back(word);
    before = none;
  } else if (uses_[before].field == field) {
    ++uses_[before].count;
    return;
  }
  entry.slot = static_cast<std::uint32_t>(uses_.size());
  uses_.push_back({field, 1, before});
}

void KindBuilder::close_words() {
  add_waiting(tokens_begun_);
  for (const std::uint32_t word : record_words_) {
    words_.push_back({word, use_set_of(vocabulary_[word].slot)});
  }
  record_words_.clear();
  uses_.clear();
}

std::uint32_t KindBuilder::use_set_of(std::uint32_t latest_use) {
  use_set_.clear();
  for (std::uint32_t at = latest_use; at != none; at = uses_[at].before) {
    use_set_.push_back({uses_[at].field, uses_[at].count});
  }
  if (use_set_.size() == 1 && use_set_[0].count == 1) {
    // Nearly always.
    if (once_.size() <= use_set_[0].field) once_.resize(paths_.size(), none);
    std::uint32_t& once = once_[use_set_[0].field];
    if (once == none) once = use_set_number();
    return once;
  }
  std::sort(use_set_.begin(), use_set_.end());
  // A field that was left and come back to.
  std::size_t sets = 0;
  for (const FieldUse& use : use_set_) {
    if (sets > 0 && use_set_[sets - 1].field == use.field) {
      use_set_[sets - 1].count += use.count;
    } else {
      use_set_[sets++] = use;
    }
  }
  use_set_.resize(sets);
  return use_set_number();
}

std::uint32_t KindBuilder::use_set_number() {
  return use_sets_.number(
      {reinterpret_cast<const char*>(use_set_.data()), use_set_.size() * sizeof(FieldUse)});
}

Result<void> KindBuilder::write(SearchWriter& writer) {
  writer.begin_kind(name_, first_, first_ + static_cast<std::uint32_t>(tokens_.size()));
  const std::vector<KeyToSort> fields = fields_by_path();
  const std::vector<KeyToSort> values = values_by_field(fields);
  std::vector<std::uint32_t> at = list_begins(values_, values);
  std::vector<std::uint32_t> lists(places_.size());
  for (const Value& value : places_) lists[at[value.value]++] = value.place;
  std::vector<Value>().swap(places_);

  field_numbers_.resize(paths_.size());
  auto value = values.begin();
  auto list = lists.begin();
  std::vector<std::uint32_t> places;
  for (const KeyToSort& field : fields) {
    field_numbers_[field.number] = writer.begin_field(field.key);
    if (field.number == text_) JCN_CHECK(write_text(writer));
    for (; value != values.end() && values_[value->number].space() == field.number; ++value) {
      const auto end = list + values_[value->number].places;
      places.assign(list, end);
      list = end;
      JCN_CHECK(writer.add(value->key, places));
    }
    JCN_CHECK(writer.end_field());
  }
  return writer.end_kind();
}

std::vector<KeyToSort> KindBuilder::fields_by_path() const {
  std::vector<bool> used(paths_.size());
  for (std::uint32_t value = 0; value < values_.size(); ++value)
    used[values_[value].space()] = true;
  used[text_] = vocabulary_.size() > 0;
  std::vector<KeyToSort> fields;
  for (FieldId field = 0; field < used.size(); ++field) {
    if (used[field]) fields.push_back({paths_.path(field), field});
  }
  sort_keys(fields);
  return fields;
}

std::vector<KeyToSort> KindBuilder::values_by_field(const std::vector<KeyToSort>& fields) const {
  std::vector<std::uint32_t> counts(paths_.size()), ends(paths_.size());
  for (std::uint32_t value = 0; value < values_.size(); ++value) ++counts[values_[value].space()];
  std::uint32_t begin = 0;
  for (const KeyToSort& field : fields) {
    ends[field.number] = begin;
    begin += counts[field.number];
  }
  std::vector<KeyToSort> values(values_.size());
  for (std::uint32_t value = 0; value < values_.size(); ++value) {
    values[ends[values_[value].space()]++] = {values_[value].bytes(), value};
  }
  for (const KeyToSort& field : fields) {
    const std::size_t count = counts[field.number];
    sort_keys(std::span(values).subspan(ends[field.number] - count, count));
  }
  return values;
}

Result<void> KindBuilder::write_text(SearchWriter& writer) {
  std::vector<KeyToSort> vocabulary(vocabulary_.size());
  for (std::uint32_t word = 0; word < vocabulary_.size(); ++word) {
    vocabulary[word] = {vocabulary_[word].bytes(), word};
  }
  sort_keys(vocabulary);
  std::vector<std::uint32_t> at = list_begins(vocabulary_, vocabulary);
  std::vector<std::uint32_t> place_lists(words_.size()), set_lists(words_.size());
  std::size_t next = 0;
  for (std::uint32_t place = 0; place < words_ends_.size(); ++place) {
    for (; next < words_ends_[place]; ++next) {
      const std::uint32_t to = at[words_[next].word]++;
      place_lists[to] = place;
      set_lists[to] = words_[next].uses;
    }
  }
  std::vector<Word>().swap(words_);

  use_numbers_.assign(use_sets_.size(), none);
  std::vector<std::uint32_t> places, uses;
  auto place = place_lists.begin();
  auto set = set_lists.begin();
  for (const KeyToSort& word : vocabulary) {
    const std::ptrdiff_t count = vocabulary_[word.number].places;
    places.assign(place, place + count);
    uses.assign(set, set + count);
    place += count;
    set += count;
    for (std::uint32_t& use : uses) use = use_number(writer, use);
    JCN_CHECK(writer.add(word.key, places, uses));
  }
  writer.lengths(tokens_);
  return {};
}

std::uint32_t KindBuilder::use_number(SearchWriter& writer, std::uint32_t set) {
  std::uint32_t& number = use_numbers_[set];
  if (number != none) return number;
  const std::string_view bytes = use_sets_[set].bytes();
  use_set_.resize(bytes.size() / sizeof(FieldUse));
  std::memcpy(use_set_.data(), bytes.data(), bytes.size());
  WordUses uses;
  uses.reserve(use_set_.size());
  for (const FieldUse& use : use_set_) uses.push_back({field_numbers_[use.field], use.count});
  std::sort(uses.begin(), uses.end());
  number = writer.uses(uses);
  return number;
}

}  // namespace jcn
