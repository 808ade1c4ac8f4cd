// What a query ought to answer, worked out plainly from the records: every record is looked at,
// every value compared as JSON. And documents that try it: all types, arrays, cut values that share
// beginnings.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "index_model.h"
#include "jcn/canonical.h"
#include "jcn/query.h"
#include "jcn/time_text.h"
#include "json_pointer.h"
#include "text.h"

namespace jcn {

using Ids = std::vector<std::string>;

inline Field field_named(const std::string& text) {
  return must(parse_field(text));
}
inline Filter filter_of(const std::string& name, const std::string& value) {
  return must(parse_filter(name, value));
}

class QueryModel {
 public:
  QueryModel(const std::map<RecordKey, Record>& records, const std::string& kind) {
    for (const auto& [key, record] : records) {
      if (key.kind == kind && record.exists) records_.push_back(&record);
    }
  }

  // The whole walk, in order.
  Ids ids(const Query& query) const {
    std::vector<Row> rows;
    for (const Record* record : chosen(query)) {
      Row row{record, "null", 0};
      if (query.sort) row.value = extreme(*record, *query.sort, query.descending);
      rows.push_back(std::move(row));
    }
    if (!query.sort) score(rows, query);
    std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
      if (a.score != b.score) return a.score > b.score;
      const int order = compare_values(a.value, b.value);
      if (order != 0) return query.descending ? order > 0 : order < 0;
      return a.record->key.id < b.record->key.id;
    });
    Ids ids;
    for (const Row& row : rows) ids.push_back(row.record->key.id);
    return ids;
  }

  Facet facet(const Query& query, const Field& field) const {
    const auto less = [](const std::string& a, const std::string& b) {
      return compare_values(a, b) < 0;
    };
    std::map<std::string, std::uint64_t, decltype(less)> counts(less);
    for (const Record* record : chosen(query)) {
      const Scalars all = scalars(*record, field);
      const std::set<std::string, decltype(less)> own(all.begin(), all.end(), less);
      for (const std::string& scalar : own) counts[scalar] += scalar == "null" ? 0 : 1;
    }
    counts.erase("null");
    std::vector<FacetValue> values;
    for (const auto& [value, count] : counts) values.push_back({value, count});
    std::sort(values.begin(), values.end(), [](const FacetValue& a, const FacetValue& b) {
      return a.count != b.count ? a.count > b.count : compare_values(a.value, b.value) < 0;
    });
    Facet facet;
    facet.truncated = values.size() > query.facet_size;
    if (facet.truncated) values.resize(query.facet_size);
    facet.values = std::move(values);
    return facet;
  }

  bool known(const Field& field) const {
    return field.kind != Field::Kind::member ||
           std::any_of(records_.begin(), records_.end(),
                       [&](const Record* record) { return value_at(*record, field).has_value(); });
  }

  using Scalars = std::vector<std::string>;

  static std::optional<std::string> value_at(const Record& record, const Field& field) {
    if (field.kind == Field::Kind::id) return json_quote(record.key.id);
    if (field.kind == Field::Kind::created) return json_quote(rfc3339(record.created_ns()));
    if (field.kind == Field::Kind::updated) return json_quote(rfc3339(record.updated_ns()));
    if (field.kind == Field::Kind::since) {
      if (!record.since_ns) return std::nullopt;
      return json_quote(rfc3339(*record.since_ns));
    }
    std::optional<std::string_view> value = record.document;
    if (field.may_index) {
      value = json_at(record.document, field.path);
    } else {
      const auto steps = split_pointer(field.path);
      for (std::size_t i = 0; value && i < steps->size(); ++i) {
        value = json_member(*value, (*steps)[i]);
      }
    }
    if (!value) return std::nullopt;
    return std::string(*value);
  }

  static Scalars scalars(const Record& record, const Field& field) {
    const auto value = value_at(record, field);
    if (!value || json_type(*value) == JsonType::object) return {};
    if (json_type(*value) != JsonType::array) return {*value};
    Scalars elements;
    for (JsonCursor cursor(*value); cursor.next();) {
      if (json_type(cursor.value()) <= JsonType::string) elements.emplace_back(cursor.value());
    }
    return elements;
  }

 private:
  struct Row {
    const Record* record;
    std::string value;  // as far as sorting looks
    double score;
  };
  struct Text {
    std::string path, text;
  };

  // bm25() as SQLite's FTS5 computes it.
  void score(std::vector<Row>& rows, const Query& query) const {
    if (query.searches.empty()) return;
    const auto count = static_cast<double>(records_.size());
    double tokens = 0;
    for (const Record* record : records_) tokens += tokens_of(*record);
    for (const SearchTerm& term : query.searches) {
      for (const SearchPhrase& phrase : parse_search(term.words)) {
        double with_it = 0;
        for (const Record* record : records_)
          with_it += has(*record, term, phrase, query.scope) ? 1 : 0;
        double idf = std::log((count - with_it + 0.5) / (with_it + 0.5));
        if (idf <= 0) idf = 1e-6;
        for (Row& row : rows) {
          const double tf = weighted(*row.record, term, phrase, query);
          const double length = 0.75 * tokens_of(*row.record) / (tokens / count);
          row.score += idf * ((tf * (1.2 + 1)) / (tf + 1.2 * (1 - 0.75 + length)));
        }
      }
    }
  }

  std::vector<const Record*> chosen(const Query& query) const {
    std::vector<const Record*> chosen;
    for (const Record* record : records_) {
      bool in = matches_all(query.filters, *record);
      for (const SearchTerm& term : query.searches) {
        const auto phrases = parse_search(term.words);
        in = in && !phrases.empty();
        for (const SearchPhrase& phrase : phrases) {
          in = in && has(*record, term, phrase, query.scope);
        }
      }
      if (in) chosen.push_back(record);
    }
    return chosen;
  }

  // Strings cut behind 4,096 bytes: the test's long ones are ASCII.
  static std::string extreme(const Record& record, const Field& field, bool largest) {
    std::optional<std::string> found;
    for (std::string scalar : scalars(record, field)) {
      if (json_type(scalar) == JsonType::string) {
        scalar = json_quote(json_unquote(scalar).substr(0, 4096));
      }
      const int order = found ? compare_values(scalar, *found) : 0;
      if (!found || (largest ? order > 0 : order < 0)) found = scalar;
    }
    return found.value_or("null");
  }

  static void collect(std::string_view value, const std::string& path, std::vector<Text>& texts) {
    const JsonType type = json_type(value);
    if (type == JsonType::string) texts.push_back({path, json_unquote(value)});
    for (JsonCursor cursor(value); cursor.next();) {
      std::string below = path;
      if (type == JsonType::object) {
        append_field_step(below, json_unquote(cursor.name()));
      } else if (json_type(cursor.value()) > JsonType::string) {
        below += "/~*";
      }
      collect(cursor.value(), below, texts);
    }
  }
  static std::vector<Text> texts(const Record& record) {
    std::vector<Text> texts;
    collect(record.document, "", texts);
    return texts;
  }
  // Of the field that is searched.
  static std::vector<Text> texts(const Record& record, const SearchTerm& term,
                                 const SearchScope& scope) {
    std::vector<Text> texts;
    if (!term.field) {
      texts = QueryModel::texts(record);
      std::erase_if(texts, [&](const Text& text) { return !in_scope(scope, text.path); });
      return texts;
    }
    if (term.field->kind != Field::Kind::member) return texts;
    for (const std::string& scalar : scalars(record, *term.field)) {
      if (json_type(scalar) == JsonType::string) {
        texts.push_back({term.field->path, json_unquote(scalar)});
      }
    }
    return texts;
  }

  static bool in_scope(const SearchScope& scope, std::string path) {
    for (std::size_t at; (at = path.find("/~*")) != std::string::npos;) path.erase(at, 3);
    path += '/';
    const auto in = [&](const std::set<std::string>& places) {
      for (const std::string& place : places) {
        if (path.starts_with(place + '/')) return true;
      }
      return false;
    };
    return (scope.fields.empty() || in(scope.fields)) && !in(scope.excluded);
  }

  static bool has(const Record& record, const SearchTerm& term, const SearchPhrase& phrase,
                  const SearchScope& scope) {
    for (const Text& text : texts(record, term, scope)) {
      if (count_phrase(text.text, phrase) > 0) return true;
    }
    return false;
  }
  static double weighted(const Record& record, const SearchTerm& term, const SearchPhrase& phrase,
                         const Query& query) {
    double sum = 0;
    for (const Text& text : texts(record, term, query.scope)) {
      const auto weight = query.weights.find(text.path);
      sum += (weight == query.weights.end() ? 1 : weight->second) * count_phrase(text.text, phrase);
    }
    return sum;
  }
  static double tokens_of(const Record& record) {
    double count = 0;
    for (const Text& text : texts(record)) {
      for (Tokens tokens(text.text); tokens.next();) ++count;
    }
    return count;
  }

  std::vector<const Record*> records_;
};

// Walks page by page to the end.
inline Ids walk(const Snapshot& snapshot, Query query) {
  Ids ids;
  for (int pages = 0; pages < 10'000; ++pages) {
    auto answer = must(run_query(snapshot, query));
    EXPECT_LE(answer.rows.size(), query.size);
    for (const Record& row : answer.rows) ids.push_back(row.key.id);
    if (!answer.next) return ids;
    EXPECT_FALSE(answer.rows.empty());
    query.after = answer.next;
  }
  ADD_FAILURE() << "the walk has no end";
  return ids;
}

// Documents and values over few names, so that queries find some.
class RandomQueries {
 public:
  explicit RandomQueries(std::uint32_t seed) : random_(seed) {}
  std::size_t below(std::size_t end) { return random_() % end; }

  template <class T>
  const T& one_of(const std::vector<T>& list) {
    return list[below(list.size())];
  }

  std::string scalar() {
    static const std::vector<std::string> plain = {"null",
                                                   "true",
                                                   "false",
                                                   "0",
                                                   "-0.0",
                                                   "5",
                                                   "5.0",
                                                   "50e-1",
                                                   "-1.5",
                                                   "600",
                                                   "1e2",
                                                   "100",
                                                   "0.1",
                                                   "-7",
                                                   "64176294690080990",
                                                   "64176294690080991",
                                                   "1e-400",
                                                   "-3e200"};
    switch (below(4)) {
      case 0:
        return one_of(plain);
      case 1:
        return long_number();
      default:
        return json_quote(text());
    }
  }

  std::string text() {
    static const std::vector<std::string> words = {"",           "5",    "5.0",   "true",   "null",
                                                   "red",        "blue", "green", "Über",   "naïve",
                                                   "日本語の本", "a\"b", "x\ny",  "node.js"};
    switch (below(5)) {
      case 0:
        return one_of(words);
      case 1:
        return one_of(words) + ' ' + one_of(words) + ' ' + one_of(words);
      case 2:
        return long_text();
      default:
        return one_of(words) + std::to_string(below(4));
    }
  }

  std::string document() {
    std::string out = "{";
    const auto add = [&](const std::string& name, const std::string& value) {
      if (out.size() > 1) out += ',';
      out += json_quote(name) + ':' + value;
    };
    for (const char* name : {"a", "b", "t", "o", "0", "x.y"}) {
      if (below(3) != 0) add(name, value(2));
    }
    documents_.push_back(out + '}');
    return documents_.back();
  }

  std::string field() {
    static const std::vector<std::string> fields = {
        "a",      "b",        "t",        "o",      "0",    "/x.y",   "x.y",
        "o.a",    "o.b",      "o.0",      "t.a",    "/t/0", "/t/1",   "/o/0",
        "/a/0/a", "/0/0",     "/o/a",     "none",   "/t/a", "none.a", "/none/0",
        "_id",    "_created", "_updated", "_since", "a",    "b",      "t"};
    return one_of(fields);
  }

  // Values are often those of some document.
  Filter filter() {
    const auto op = static_cast<Operator>(below(14));
    std::string name = field();
    std::string value = json_unquote_any(scalar());
    for (int tries = below(4) == 0 || documents_.empty() ? 0 : 5; tries > 0; --tries) {
      Record record;
      record.document = one_of(documents_);
      const auto there = QueryModel::scalars(record, field_named(name));
      if (!there.empty()) {
        value = json_unquote_any(one_of(there));
        break;
      }
      name = field();
    }
    if (op == Operator::in) {
      if (below(2) == 0) {
        value = '[' + scalar() + ',' + scalar() + ']';
      } else {
        value += ',' + json_unquote_any(scalar());
      }
    }
    if (op == Operator::contains || op == Operator::startswith || op == Operator::endswith) {
      value = piece(value);
    }
    if (name == "_id" && below(3) != 0) value = "id" + std::to_string(below(200)).substr(below(2));
    if ((name == "_created" || name == "_updated" || name == "_since") && below(3) != 0) {
      value =
          rfc3339(static_cast<std::int64_t>(below(5)) * 1'000'000'000).substr(0, 20 + below(11));
    }
    if (op == Operator::isnull || op == Operator::notnull) value = below(2) == 0 ? "1" : "0";
    return filter_of(name + "__" + std::string(operator_name(op)), value);
  }

  SearchTerm search() {
    static const std::vector<std::string> searches = {
        "red",          "blue",    "uber",          "naive", "日本",   "本",     "node.js",
        "\"red blue\"", "re*",     "gre* blue",     "node",  "none",   "green5", "x",
        "\"blue r\"*",  "red red", "\"true null\"", "5",     "common", "common*"};
    SearchTerm term;
    term.words = one_of(searches);
    if (below(3) == 0) term.field = field_named(field());
    return term;
  }

  Query query() {
    Query query;
    query.kind = "videos";
    for (std::size_t n = below(3); n > 0; --n) query.filters.push_back(filter());
    if (below(4) == 0) query.searches.push_back(search());
    if (below(12) == 0) query.searches.push_back(search());
    if (below(3) == 0) query.weights = {{"/a", 2.5}, {"/t", 0.5}, {"/o/a", 0}};
    if (below(6) == 0) query.scope.excluded = {"/t"};
    if (below(6) == 0) query.scope.excluded.insert({"/o/b", "/a/b"});
    if (below(8) == 0) query.scope.fields = {"/a", "/o"};
    if (below(2) == 0) {
      query.sort = field_named(field());
      query.descending = below(2) == 0;
    }
    query.size = static_cast<std::uint32_t>(1 + below(below(2) == 0 ? 7 : 200));
    query.count = below(2) == 0;
    query.plan = below(4) == 0;
    query.facet_size = static_cast<std::uint32_t>(below(3) == 0 ? below(4) : 30);
    for (std::size_t n = below(3); n > 0; --n) query.facets.push_back(field_named(field()));
    if (below(4) == 0) query.also_named.push_back(field_named(field()));
    return query;
  }

 private:
  std::string value(int depth) {
    const std::size_t what = depth == 0 ? 0 : below(10);
    if (what < 6) return scalar();
    std::string out = what < 9 ? "[" : "{";
    const std::vector<std::string> names = {"a", "b", "0"};
    const std::size_t size = below(4);
    for (std::size_t i = 0; i < size; ++i) {
      if (i > 0) out += ',';
      if (what == 9) {
        if (i == names.size()) break;
        out += json_quote(names[i]) + ':';
      }
      out += value(depth - 1);
    }
    return out + (what < 9 ? "]" : "}");
  }

  // Keys of these are cut; many share a beginning, some differ behind 4,096 bytes only.
  std::string long_text() {
    static const std::string beginning = "common words at the begin of it,";  // 32 bytes
    switch (below(6)) {
      case 0:
        return beginning.substr(0, 30 + below(3));
      case 1:
        return beginning + std::string(below(3), 'k');
      case 2:
        return beginning + std::string(60 + below(8), 'm');  // around where keys are cut
      case 3:
        return beginning + std::string(5000, 'z') + std::to_string(below(3));
      default:
        return beginning + std::to_string(below(6)) + std::string(80, 'r') + " red";
    }
  }

  std::string long_number() {
    const std::string digits = "123456789012345678901234567890123456789";
    std::string number = below(3) == 0 ? "-" : "";
    number += digits + (below(2) == 0 ? "" : std::to_string(below(3)) + std::string(40, '7'));
    if (below(3) == 0) number += std::to_string(below(3));
    if (below(4) == 0) number += below(2) == 0 ? "e-2" : "e-9999999999999999999";
    return number;
  }

  static std::string json_unquote_any(const std::string& scalar) {
    return json_type(scalar) == JsonType::string ? json_unquote(scalar) : scalar;
  }

  // Whole characters somewhere in it.
  std::string piece(const std::string& text) {
    if (text.empty() || below(6) == 0) return text;
    std::size_t begin = below(text.size());
    std::size_t end = begin + below(below(2) == 0 ? 4 : text.size());
    const auto inside = [&](std::size_t at) {
      return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
    };
    while (inside(begin)) --begin;
    while (inside(end)) ++end;
    return text.substr(begin, end < begin ? 0 : end - begin);
  }

  std::mt19937 random_;
  std::vector<std::string> documents_;  // all that were made
};

}  // namespace jcn
