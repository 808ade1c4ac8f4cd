// What the searchable part of a segment ought to say, worked out plainly from the documents, and
// documents to try it with.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "index_model.h"
#include "jcn/canonical.h"
#include "jcn/field.h"
#include "jcn/time_text.h"
#include "keys.h"
#include "search_builder.h"
#include "segment_builder.h"
#include "segment_search.h"
#include "text.h"
#include "value_key.h"

namespace jcn {

struct SearchRecord {
  std::optional<std::string> document;  // absent: an orphan
  std::int64_t created_ns = 0, updated_ns = 0;
  std::optional<std::int64_t> since_ns;
};
using SearchRecords = std::map<RecordKey, SearchRecord>;  // in the order of local numbers

struct BuiltSearch {
  std::unique_ptr<MemoryBlocks> blocks = std::make_unique<MemoryBlocks>();
  SegmentHead head;
  std::shared_ptr<const SearchOutline> outline;
  SegmentSearch search() const { return SegmentSearch(outline, *blocks); }
};

inline SearchWriter::Sink into(MemoryBlocks& blocks) {
  return [&blocks](Section section, std::uint32_t number, std::string payload) {
    // Within a section they come in order, each once.
    EXPECT_EQ(blocks.blocks(section).size(), number);
    blocks.add(section, number, std::move(payload));
    return Result<void>();
  };
}

inline BuiltSearch build_search(const SearchRecords& records,
                                std::size_t block_bytes = block_target_bytes) {
  BuiltSearch built;
  SegmentBuilder segment(0, into(*built.blocks), block_bytes);
  SearchBuilder search;
  for (const auto& [key, record] : records) {
    search.add(key.kind, segment.next_local(), record.document, record.created_ns,
               record.updated_ns, record.since_ns);
    must(segment.add(record_key_bytes(key), {}));
  }
  built.head = must(segment.finish());
  must(search.write(into(*built.blocks), segment.key_begins(), block_bytes));
  built.outline = must(SearchOutline::read(*built.blocks, built.head));
  return built;
}

// One kind's.
struct SearchModel {
  using Places = std::set<std::uint32_t>;
  std::map<std::string, std::map<std::string, Places>> fields;  // path → key → places
  // token → place → path → how often
  std::map<std::string, std::map<std::uint32_t, std::map<std::string, std::uint32_t>>> words;
  std::vector<std::uint32_t> tokens;  // by place

  void add(const SearchRecord& record) {
    place_ = static_cast<std::uint32_t>(tokens.size());
    tokens.push_back(0);
    if (!record.document) return;
    add_time("_created", record.created_ns);
    add_time("_updated", record.updated_ns);
    if (record.since_ns) add_time("_since", *record.since_ns);
    add_members("", *record.document);
  }

 private:
  void add_time(const std::string& name, std::int64_t ns) {
    mark(name, KeyType::present);
    fields[name][string_key(rfc3339(ns))].insert(place_);
  }
  void mark(const std::string& path, KeyType type) {
    fields[path][marker_key(type)].insert(place_);
  }
  void add_members(const std::string& path, std::string_view object) {
    for (JsonCursor cursor(object); cursor.next();) {
      std::string member = path;
      append_field_step(member, json_unquote(cursor.name()));
      add_value(member, cursor.value());
    }
  }
  void add_value(const std::string& path, std::string_view value) {
    mark(path, KeyType::present);
    switch (json_type(value)) {
      case JsonType::object:
        mark(path, KeyType::object);
        return add_members(path, value);
      case JsonType::array:
        mark(path, KeyType::array);
        for (JsonCursor cursor(value); cursor.next();) {
          const JsonType type = json_type(cursor.value());
          if (type == JsonType::object || type == JsonType::array) {
            add_value(path + "/~*", cursor.value());
          } else {
            add_scalar(path, cursor.value());
          }
        }
        return;
      default:
        return add_scalar(path, value);
    }
  }
  void add_scalar(const std::string& path, std::string_view value) {
    fields[path][value_key(value)].insert(place_);
    if (json_type(value) != JsonType::string) return;
    const std::string text = json_unquote(value);
    for (Tokens found(text); found.next();) {
      ++words[std::string(found.token())][place_][path];
      ++tokens.back();
    }
  }

  std::uint32_t place_ = 0;
};

inline SearchModel::Places places_of(const SegmentSearch& search, const SegmentField& field,
                                     const DictionaryEntry& entry) {
  const SegmentKind& kind = search.outline().kinds[field.kind];
  PlaceSet set(kind.end - kind.first);
  must(search.add_places(field, entry, set));
  SearchModel::Places places;
  set.for_each([&](std::uint32_t place) { places.insert(place); });
  return places;
}

inline std::vector<std::uint32_t> ordinals_of(const SegmentSearch& search,
                                              const SegmentField& field, std::uint32_t place) {
  std::vector<std::uint32_t> ordinals;
  const ColumnChunkView view = must(search.column(field, place / column_chunk));
  const auto visit = [&](std::uint32_t ordinal) { ordinals.push_back(ordinal); };
  view.for_each(place % column_chunk, visit);
  EXPECT_EQ(view.smallest(place % column_chunk),
            ordinals.empty() ? -1 : std::int64_t{ordinals.front()});
  EXPECT_EQ(view.largest(place % column_chunk),
            ordinals.empty() ? -1 : std::int64_t{ordinals.back()});
  return ordinals;
}

inline void expect_field(const SegmentSearch& search, const SegmentField& field,
                         const std::map<std::string, SearchModel::Places>& wanted,
                         std::uint32_t places) {
  DictionaryCursor cursor = search.dictionary(field);
  std::vector<std::vector<std::uint32_t>> ordinals(places);
  std::uint32_t ordinal = 0;
  for (const auto& [key, its] : wanted) {
    ASSERT_TRUE(must(cursor.next())) << field.path;
    ASSERT_EQ(cursor.key(), key) << field.path;
    ASSERT_EQ(cursor.entry().ordinal, ordinal) << field.path;
    ASSERT_EQ(cursor.entry().documents, its.size()) << field.path;
    ASSERT_EQ(places_of(search, field, cursor.entry()), its) << field.path;
    for (const std::uint32_t place : its) {
      if (key_type(key) >= KeyType::null) ordinals[place].push_back(ordinal);
    }
    ++ordinal;
  }
  ASSERT_FALSE(must(cursor.next())) << field.path;
  bool many = false;
  for (std::uint32_t place = 0; place < places; ++place) {
    ASSERT_EQ(ordinals_of(search, field, place), ordinals[place]) << field.path << " at " << place;
    many |= ordinals[place].size() > 1;
  }
  EXPECT_EQ(field.many, many) << field.path;
}

inline void expect_words(const SegmentSearch& search, const SegmentField& field,
                         const SearchModel& model) {
  const SearchOutline& outline = search.outline();
  const auto places = static_cast<std::uint32_t>(model.tokens.size());
  DictionaryCursor cursor = search.dictionary(field);
  for (const auto& [token, its] : model.words) {
    ASSERT_TRUE(must(cursor.next()));
    ASSERT_EQ(cursor.key(), token);
    ASSERT_EQ(cursor.entry().documents, its.size());
    PostingReader reader(must(search.postings(cursor.entry())), places, true);
    for (const auto& [place, uses] : its) {
      ASSERT_TRUE(reader.next());
      ASSERT_EQ(reader.place(), place);
      std::map<std::string, std::uint32_t> found;
      for (const WordUse& use : outline.uses.at(reader.payload())) {
        found[outline.fields.at(use.field).path] = use.count;
      }
      ASSERT_EQ(found, uses) << token << " at " << place;
    }
    ASSERT_FALSE(reader.next());
    ASSERT_TRUE(reader.ok());
  }
  ASSERT_FALSE(must(cursor.next()));
  for (std::uint32_t place = 0; place < places; ++place) {
    const std::vector<std::uint32_t> lengths = ordinals_of(search, field, place);
    ASSERT_EQ(lengths.empty() ? 0 : lengths.front(), model.tokens[place]);
  }
  EXPECT_FALSE(field.many);
}

// All that the segment says is what its documents say, and the other way round.
inline void expect_search(const BuiltSearch& built, const SearchRecords& records) {
  std::map<std::string, SearchModel> models;
  std::vector<std::string> keys;
  for (const auto& [key, record] : records) {
    models[key.kind].add(record);
    keys.push_back(record_key_bytes(key));
  }
  const SegmentSearch search = built.search();
  const SearchOutline& outline = search.outline();
  ASSERT_EQ(outline.kinds.size(), models.size());
  std::uint32_t first = 0;
  for (const auto& [name, model] : models) {
    const SegmentKind* kind = outline.kind(name);
    ASSERT_TRUE(kind) << name;
    const auto places = static_cast<std::uint32_t>(model.tokens.size());
    ASSERT_EQ(kind->first, first);
    ASSERT_EQ(kind->end, first + places);
    first = kind->end;
    ASSERT_EQ(kind->end_field - kind->first_field,
              model.fields.size() + (model.words.empty() ? 0 : 1));
    std::uint64_t tokens = 0;
    for (const std::uint32_t count : model.tokens) tokens += count;
    EXPECT_EQ(kind->tokens, tokens);
    for (const auto& [path, wanted] : model.fields) {
      const SegmentField* field = outline.field(*kind, path);
      ASSERT_TRUE(field) << path;
      ASSERT_NO_FATAL_FAILURE(expect_field(search, *field, wanted, places));
    }
    const SegmentField* text = outline.field(*kind, text_field);
    ASSERT_EQ(text != nullptr, !model.words.empty());
    if (text) {
      ASSERT_NO_FATAL_FAILURE(expect_words(search, *text, model));
    }
  }
  for (std::uint32_t local = 0; local < keys.size(); ++local) {
    ASSERT_EQ(must(search.key_of(local)), keys[local]);
  }
}

// Documents in which much is alike: the same fields with all types, the same words.
class RandomDocuments {
 public:
  explicit RandomDocuments(std::uint32_t seed) : random_(seed) {}

  std::string document() {
    std::string text;
    object(text, 0);
    return text;
  }
  SearchRecord record() {
    SearchRecord made;
    if (below(10) != 0) made.document = document();
    made.created_ns = static_cast<std::int64_t>(below(50)) * 1'000'000'007;
    made.updated_ns = made.created_ns + static_cast<std::int64_t>(below(3));
    if (below(3) == 0) made.since_ns = made.created_ns + static_cast<std::int64_t>(below(9));
    return made;
  }
  SearchRecords records(unsigned count, unsigned kinds) {
    SearchRecords made;
    while (made.size() < count) {
      const std::string kind = "kind" + std::to_string(below(kinds));
      made[{kind, "id" + std::to_string(below(count * 20))}] = record();
    }
    return made;
  }
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

 private:
  void object(std::string& out, unsigned depth) {
    static const std::vector<std::string> names = {"a", "b", "a/b", "~", "ä\"", "tags", "", "n"};
    out += '{';
    for (const std::string& name : names) {
      if (below(3) != 0) continue;
      if (out.back() != '{') out += ',';
      json_quote_onto(out, name);
      out += ':';
      value(out, depth + 1);
    }
    out += '}';
  }
  void array(std::string& out, unsigned depth) {
    out += '[';
    for (unsigned i = below(5); i > 0; --i) {
      if (out.back() != '[') out += ',';
      value(out, depth + 1);
    }
    out += ']';
  }
  void value(std::string& out, unsigned depth) {
    static const std::vector<std::string> scalars = {
        "null", "true", "false", "0", "-0", "1", "1.0", "1e0", "12345678901234567890.5", "-3e-7"};
    const unsigned what = below(10);
    if (what == 0 && depth < 6) return object(out, depth);
    if (what < 3 && depth < 6) return array(out, depth);
    if (what < 6) {
      out += scalars[below(static_cast<unsigned>(scalars.size()))];
    } else if (what == 6) {
      out += std::to_string(below(5000));
    } else {
      json_quote_onto(out, text());
    }
  }
  std::string text() {
    static const std::vector<std::string> words = {"the", "The", "Ärger", "日本", "x", "node.js",
                                                   "\n",  "\"",  "-",     "of",   "",  "C++"};
    std::string made;
    for (unsigned i = below(below(8) == 0 ? 60 : 5); i > 0; --i) {
      made += below(4) == 0 ? "w" + std::to_string(below(300))
                            : words[below(static_cast<unsigned>(words.size()))];
      if (below(4) != 0) made += ' ';
    }
    return made;
  }
  std::mt19937 random_;
};

}  // namespace jcn
