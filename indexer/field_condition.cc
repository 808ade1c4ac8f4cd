#include "field_condition.h"

#include <algorithm>

#include "encoding.h"
#include "jcn/canonical.h"
#include "match.h"
#include "place_walk.h"

namespace jcn {
namespace {

constexpr std::uint32_t chunk_steps = 256;

// Per place, what a look into a column costs beside a step of a dictionary with its postings.
constexpr std::uint64_t places_per_entry = 100;
// What a document costs beside a step of a dictionary.
constexpr std::uint64_t entries_per_document = 150;

struct Ordinals {
  std::uint64_t begin = 0, end = 0;
};

bool looks_at_text(Operator op) {
  return op == Operator::contains || op == Operator::startswith || op == Operator::endswith;
}

bool has_order(Operator op) {
  return op == Operator::gt || op == Operator::gte || op == Operator::lt || op == Operator::lte;
}

class FieldCondition {
 public:
  FieldCondition(QueryRun& run, const SearchPart& part, const SegmentField& field,
                 const Filter& filter, const PlaceSet& within, CutValues cut)
      : run_(run),
        part_(part),
        search_(*part.search),
        field_(field),
        filter_(filter),
        within_(within),
        cut_(cut),
        places_(part.places()) {}

  Result<PlaceSet> answer() {
    for (const std::string& operand : filter_.operands) {
      if (has_order(filter_.op)) {
        JCN_CHECK(add_ordered(operand));
      } else if (!looks_at_text(filter_.op)) {
        JCN_CHECK(run_.step());
        JCN_CHECK(add_places_of(part_, field_, value_key(operand), places_));
      } else if (filter_.op == Operator::startswith) {
        JCN_CHECK(add_starting(json_unquote(operand)));
      } else {
        JCN_CHECK(add_containing(json_unquote(operand)));
      }
    }
    places_ &= within_;
    return std::move(places_);
  }

 private:
  // Places with an ordinal of the range.
  Result<void> add_range(const Ordinals& range) {
    if (range.begin >= range.end) return {};
    if ((range.end - range.begin) * places_per_entry > part_.places()) {
      return add_range_by_column(range);
    }
    DictionaryCursor cursor = search_.dictionary(field_);
    JCN_TRY(bool found, cursor.seek_ordinal(range.begin));
    while (found && cursor.entry().ordinal < range.end) {
      JCN_CHECK(run_.step());
      JCN_CHECK(search_.add_places(field_, cursor.entry(), places_));
      JCN_TRY(found, cursor.next());
    }
    return {};
  }

  Result<void> add_range_by_column(const Ordinals& range) {
    const auto begin = static_cast<std::uint32_t>(range.begin);
    const auto size = static_cast<std::uint32_t>(range.end - range.begin);
    for (std::uint32_t number = 0; number < chunk_count(within_); ++number) {
      const std::uint32_t asked = count_in_chunk(within_, number);
      if (asked == 0) continue;
      JCN_CHECK(run_.step(chunk_steps));
      const std::uint32_t first = number * column_chunk;
      JCN_TRY(const ColumnChunkView chunk, search_.column(field_, number));
      if (!chunk.dense()) {
        chunk.for_each_present([&](std::uint32_t place, std::uint32_t ordinal) {
          if (ordinal - begin < size) places_.set(first + place);
        });
        continue;
      }
      if (asked < column_chunk / 64) {
        for_each_in_chunk(within_, number, [&](std::uint32_t place) {
          // Of one that is absent: 0 less 1 less begin, which is beyond any range.
          if (chunk.dense_ordinal(place) - 1 - begin < size) places_.set(first + place);
        });
        continue;
      }
      const std::uint32_t count = chunk_places(within_, number);
      for (std::uint32_t place = 0; place < count; place += 64) {
        places_.add_word(first + place, chunk.dense_inside(place, begin, size));
      }
    }
    return {};
  }

  Result<void> add_ordered(const std::string& operand) {
    const std::string key = value_key(operand);
    switch (json_type(operand)) {
      case JsonType::boolean:
        return add_ordered(key, KeyType::false_, KeyType::number);
      case JsonType::number:
        return add_ordered_numbers(key);
      case JsonType::string:
        return add_ordered_strings(json_unquote(operand), key);
      default:
        return {};  // nothing is less or greater
    }
  }

  bool upwards() const { return filter_.op == Operator::gt || filter_.op == Operator::gte; }
  bool with_equal() const { return filter_.op == Operator::gte || filter_.op == Operator::lte; }

  // Of a type whose keys, from `type` to below `next_type`, have the order of their values.
  Result<void> add_ordered(const std::string& key, KeyType type, KeyType next_type) {
    // What is just behind a key is the key and a NUL.
    const std::string bound = upwards() == with_equal() ? key : key + '\0';
    JCN_TRY(const std::uint64_t middle, search_.lower_bound(field_, bound));
    JCN_TRY(const std::uint64_t end,
            search_.lower_bound(field_, marker_key(upwards() ? next_type : type)));
    return add_range(upwards() ? Ordinals{middle, end} : Ordinals{end, middle});
  }

  // Numbers that share a beginning with the operand are few: each is looked at.
  Result<void> add_ordered_numbers(const std::string& key) {
    const std::string beginning(key_beginning(key));
    if (!is_cut(key) && beginning == key) {
      // No other number's key begins with it.
      return add_ordered(key, KeyType::number, KeyType::string);
    }
    JCN_TRY(const std::uint64_t first, search_.lower_bound(field_, beginning));
    JCN_TRY(const std::uint64_t behind, search_.lower_bound(field_, behind_all(beginning)));
    JCN_CHECK(add_where_fulfilled({first, behind}));
    return upwards() ? add_until(behind, KeyType::string) : add_from(KeyType::number, first);
  }

  Result<void> add_until(std::uint64_t begin, KeyType type) {
    JCN_TRY(const std::uint64_t end, search_.lower_bound(field_, marker_key(type)));
    return add_range({begin, end});
  }
  Result<void> add_from(KeyType type, std::uint64_t end) {
    JCN_TRY(const std::uint64_t begin, search_.lower_bound(field_, marker_key(type)));
    return add_range({begin, end});
  }

  // In a dictionary, strings with the same first 32 bytes stand so: those with whole keys, in
  // order, then those with cut keys. Only the latter's order is not that of their keys, and only if
  // the operand has the same 32 bytes and more.
  Result<void> add_ordered_strings(const std::string& text, const std::string& key) {
    const std::string whole = marker_key(KeyType::string) + text;  // as no key of a long one is
    const std::string beginning(key_beginning(key));
    if (beginning == key) return add_ordered(whole, KeyType::string, after_strings);
    const std::string bound = upwards() == with_equal() ? whole : whole + '\0';
    JCN_TRY(const std::uint64_t middle, search_.lower_bound(field_, bound));
    JCN_TRY(const std::uint64_t cut, search_.lower_bound(field_, beginning + cut_mark));
    JCN_TRY(const std::uint64_t behind, search_.lower_bound(field_, behind_all(beginning)));
    JCN_CHECK(add_where_fulfilled({cut, behind}));
    if (!upwards()) return add_from(KeyType::string, middle);
    JCN_CHECK(add_range({middle, cut}));
    return add_until(behind, after_strings);
  }

  Result<void> add_starting(const std::string& text) {
    const std::string whole = marker_key(KeyType::string) + text;
    JCN_TRY(const std::uint64_t first, search_.lower_bound(field_, whole));
    JCN_TRY(const std::uint64_t behind, search_.lower_bound(field_, behind_all(whole)));
    JCN_CHECK(add_range({first, behind}));
    const std::string beginning(key_beginning(string_key(text)));
    if (beginning.size() >= whole.size()) return {};  // cut keys tell as much of their values
    JCN_TRY(const std::uint64_t cut, search_.lower_bound(field_, beginning + cut_mark));
    JCN_TRY(const std::uint64_t end, search_.lower_bound(field_, behind_all(beginning)));
    return add_where_fulfilled({cut, end});
  }

  // contains and endswith.
  Result<void> add_containing(const std::string& text) {
    JCN_TRY(const std::uint64_t first, search_.lower_bound(field_, marker_key(KeyType::string)));
    JCN_TRY(const std::uint64_t end, search_.lower_bound(field_, marker_key(after_strings)));
    if (text.empty()) return add_range({first, end});
    if (cut_ == CutValues::read && within_.count() * entries_per_document < end - first) {
      return add_by_documents();
    }
    DictionaryCursor cursor = search_.dictionary(field_);
    JCN_TRY(bool found, cursor.seek_ordinal(first));
    for (; found && cursor.entry().ordinal < end;) {
      JCN_CHECK(run_.step());
      const std::string_view key = cursor.key();
      bool fulfils = false;
      if (is_cut(key)) {
        JCN_TRY(fulfils, cut_fulfils(key, cursor.entry()));
      } else if (filter_.op == Operator::endswith) {
        fulfils = key.substr(1).ends_with(text);
      } else {
        fulfils = key.find(text, 1) != std::string_view::npos;
      }
      if (fulfils) JCN_CHECK(search_.add_places(field_, cursor.entry(), places_));
      JCN_TRY(found, cursor.next());
    }
    return {};
  }

  // Looks at each value of the range, which is of one type.
  Result<void> add_where_fulfilled(const Ordinals& range) {
    if (range.begin >= range.end) return {};
    DictionaryCursor cursor = search_.dictionary(field_);
    JCN_TRY(bool found, cursor.seek_ordinal(range.begin));
    while (found && cursor.entry().ordinal < range.end) {
      JCN_CHECK(run_.step());
      bool fulfils = false;
      if (is_cut(cursor.key())) {
        JCN_TRY(fulfils, cut_fulfils(cursor.key(), cursor.entry()));
      } else {
        const auto value = key_json(cursor.key());
        if (!value) return damaged("a segment's dictionary has a malformed key");
        fulfils = scalar_fulfils(filter_, *value);
      }
      if (fulfils) JCN_CHECK(search_.add_places(field_, cursor.entry(), places_));
      JCN_TRY(found, cursor.next());
    }
    return {};
  }

  // Reads the value where it makes a difference: in a record asked about and not yet found.
  Result<bool> cut_fulfils(std::string_view key, const DictionaryEntry& entry) {
    if (cut_ == CutValues::admit) return true;
    JCN_TRY(const std::string_view list, search_.postings(entry));
    PostingReader reader(list, part_.places(), false);
    while (reader.next()) {
      if (!within_.test(reader.place()) || places_.test(reader.place())) continue;
      JCN_TRY(const Record record, run_.record_at(part_, reader.place()));
      const auto value = member_at(record.document, filter_.field);
      if (!value) return damaged("a segment's dictionary has a value that its record has not");
      bool fulfils = false;
      for_each_scalar(*value, [&](std::string_view scalar) {
        if (value_key(scalar) != key) return true;
        fulfils = scalar_fulfils(filter_, scalar);
        return false;
      });
      return fulfils;
    }
    if (!reader.ok()) return damaged("a segment's posting list is malformed");
    return false;
  }

  Result<void> add_by_documents() {
    for (std::uint32_t place = within_.next(0); place < within_.size();
         place = within_.next(place + 1)) {
      JCN_TRY(const Record record, run_.record_at(part_, place));
      if (matches(filter_, record)) places_.set(place);
    }
    return {};
  }

  static constexpr KeyType after_strings{static_cast<std::uint8_t>(KeyType::string) + 1};
  static constexpr char cut_mark = '\xff';  // value_key.h

  QueryRun& run_;
  const SearchPart& part_;
  const SegmentSearch& search_;
  const SegmentField& field_;
  const Filter& filter_;
  const PlaceSet& within_;
  const CutValues cut_;
  PlaceSet places_;
};

}  // namespace

Result<PlaceSet> places_fulfilling(QueryRun& run, const SearchPart& part, const SegmentField& field,
                                   const Filter& filter, const PlaceSet& within, CutValues cut) {
  return FieldCondition(run, part, field, filter, within, cut).answer();
}

Result<void> add_places_of(const SearchPart& part, const SegmentField& field, std::string_view key,
                           PlaceSet& places) {
  JCN_TRY(const auto entry, part.search->find(field, key));
  if (!entry) return {};
  return part.search->add_places(field, *entry, places);
}

std::string behind_all(std::string_view prefix) {
  std::string next(prefix);
  while (next.back() == '\xff') next.pop_back();
  next.back() = static_cast<char>(static_cast<unsigned char>(next.back()) + 1);
  return next;
}

}  // namespace jcn
