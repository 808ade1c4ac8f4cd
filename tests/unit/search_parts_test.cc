#include "search_parts.h"

#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "encoding.h"
#include "fresh_layer.h"
#include "index_lives.h"
#include "index_model.h"
#include "jcn/canonical.h"
#include "jcn/field.h"
#include "jcn/time_text.h"
#include "temporary_folder.h"
#include "text.h"

namespace jcn {
namespace {

using Ids = std::set<std::string>;

// Everything that can be asked of a kind's records: by field and dictionary key, who has it; and by
// id, token and field, how often it stands there.
struct Searchable {
  std::map<std::pair<std::string, std::string>, Ids> values;
  std::map<std::tuple<std::string, std::string, std::string>, std::uint32_t> words;
  std::map<std::string, std::uint32_t> lengths;
  std::map<std::pair<std::string, std::string>, std::set<std::string>> columns;  // by field and id
};

// --- As it is recomputed from the records, without any of the index's rooms but keys and tokens.

class Recomputed {
 public:
  explicit Recomputed(const IndexModel& model, const std::string& kind) {
    for (const auto& [key, record] : model.records) {
      if (key.kind != kind || !record.exists) continue;
      id_ = key.id;
      time(created_field, record.created_ns());
      time(updated_field, record.updated_ns());
      if (record.since_ns) time(since_field, *record.since_ns);
      members(record.document, "");
    }
  }
  Searchable found;

 private:
  void time(std::string_view field, std::int64_t ns) {
    const std::string path(field), key = string_key(rfc3339(ns));
    found.values[{path, marker_key(KeyType::present)}].insert(id_);
    found.values[{path, key}].insert(id_);
    found.columns[{path, id_}].insert(key);
  }
  void members(std::string_view object, const std::string& path) {
    for (JsonCursor member(object); member.next();) {
      std::string below = path;
      append_field_step(below, json_unquote(member.name()));
      value(member.value(), below);
    }
  }
  void value(std::string_view text, const std::string& path) {
    found.values[{path, marker_key(KeyType::present)}].insert(id_);
    if (json_type(text) == JsonType::object) {
      found.values[{path, marker_key(KeyType::object)}].insert(id_);
      members(text, path);
    } else if (json_type(text) == JsonType::array) {
      found.values[{path, marker_key(KeyType::array)}].insert(id_);
      for (JsonCursor element(text); element.next();) {
        const JsonType type = json_type(element.value());
        if (type == JsonType::array || type == JsonType::object) {
          value(element.value(), path + "/" + std::string(array_step));
        } else {
          scalar(element.value(), path);
        }
      }
    } else {
      scalar(text, path);
    }
  }
  void scalar(std::string_view text, const std::string& path) {
    found.values[{path, value_key(text)}].insert(id_);
    found.columns[{path, id_}].insert(value_key(text));
    if (json_type(text) != JsonType::string) return;
    const std::string unquoted = json_unquote(text);
    for (Tokens tokens(unquoted); tokens.next();) {
      ++found.words[{id_, std::string(tokens.token()), path}];
      ++found.lengths[id_];
    }
  }
  std::string id_;
};

// --- As the index has it.

Result<void> in_time() {
  return {};
}

class Indexed {
 public:
  Indexed(const Snapshot& snapshot, const std::string& kind) : kind_(kind) {
    const auto all = must(search_parts(snapshot.state(), kind, in_time));
    for (const SearchPart& part : all) take(part);
  }
  Searchable found;
  std::size_t parts = 0;

 private:
  void take(const SearchPart& part) {
    ++parts;
    ids_.assign(part.places(), {});
    part.living.for_each([&](std::uint32_t place) {
      const std::string key = must(part.search->key_of(part.kind->first + place));
      ids_[place] = key.substr(kind_.size() + 1);
      EXPECT_EQ(key, kind_ + '\0' + ids_[place]);
      EXPECT_EQ(must(part.search->lower_bound_key(key)), part.kind->first + place);
    });
    const SearchOutline& outline = part.search->outline();
    for (std::uint32_t number = part.kind->first_field; number < part.kind->end_field; ++number) {
      const SegmentField& field = outline.fields[number];
      const bool words = field.path == text_field;
      std::vector<std::string> keys;
      DictionaryCursor cursor = part.search->dictionary(field);
      for (bool more = must(cursor.seek("")); more; more = must(cursor.next())) {
        EXPECT_EQ(cursor.entry().ordinal, keys.size());
        keys.push_back(cursor.key());
        take_postings(part, field, words, cursor);
      }
      EXPECT_EQ(keys.size(), field.end_value - field.first_value);
      take_column(part, field, words, keys);
    }
  }

  void take_postings(const SearchPart& part, const SegmentField& field, bool words,
                     const DictionaryCursor& cursor) {
    const std::string_view bytes = must(part.search->postings(cursor.entry()));
    PostingReader postings(bytes, part.places(), words);
    std::uint32_t documents = 0;
    while (postings.next()) {
      ++documents;
      if (!part.living.test(postings.place())) continue;
      const std::string& id = ids_[postings.place()];
      if (words) {
        const SearchOutline& outline = part.search->outline();
        for (const WordUse& use : outline.uses.at(postings.payload())) {
          const auto added = found.words.emplace(
              std::tuple(id, cursor.key(), outline.fields.at(use.field).path), use.count);
          EXPECT_TRUE(added.second);
        }
      } else {
        EXPECT_TRUE((found.values[{field.path, cursor.key()}].insert(id).second));
      }
    }
    EXPECT_TRUE(postings.ok());
    EXPECT_EQ(documents, cursor.entry().documents);
  }

  void take_column(const SearchPart& part, const SegmentField& field, bool words,
                   const std::vector<std::string>& keys) {
    part.living.for_each([&](std::uint32_t place) {
      const auto chunk = must(part.search->column(field, place / column_chunk));
      std::int64_t before = -1;
      const std::uint32_t within = place % column_chunk;
      chunk.for_each(within, [&](std::uint32_t ordinal) {
        if (before == -1) {
          EXPECT_EQ(chunk.smallest(within), ordinal);
        }
        EXPECT_GT(static_cast<std::int64_t>(ordinal), before);
        before = ordinal;
        if (words) {
          found.lengths[ids_[place]] = ordinal;
        } else {
          found.columns[{field.path, ids_[place]}].insert(keys.at(ordinal));
        }
      });
      EXPECT_EQ(chunk.largest(within), before);
    });
  }

  const std::string kind_;
  std::vector<std::string> ids_;  // by place
};

template <class Map>
void expect_same(const Map& found, const Map& wanted, const char* what) {
  EXPECT_EQ(found.size(), wanted.size()) << what;
  if (found == wanted) return;
  for (const auto& [key, value] : wanted) {
    const auto at = found.find(key);
    if (at == found.end() || at->second != value) {
      ADD_FAILURE() << what << " differ, first at " << ::testing::PrintToString(key) << ": "
                    << (at == found.end() ? "absent" : ::testing::PrintToString(at->second))
                    << " instead of " << ::testing::PrintToString(value);
      return;
    }
  }
  ADD_FAILURE() << what << " has more than it ought to";
}

// The number of parts that the state consists of.
std::size_t expect_recomputed(const IndexWriter& writer, const IndexModel& model) {
  const Snapshot snapshot = must(writer.snapshot());
  std::size_t parts = 0;
  for (const std::string kind : {"people", "videos"}) {
    const Indexed indexed(snapshot, kind);
    const Recomputed wanted(model, kind);
    expect_same(indexed.found.values, wanted.found.values, "posting lists");
    expect_same(indexed.found.words, wanted.found.words, "words");
    expect_same(indexed.found.lengths, wanted.found.lengths, "lengths");
    expect_same(indexed.found.columns, wanted.found.columns, "columns");
    parts += indexed.parts;
  }
  return parts;
}

// --- Documents of every shape.

class RandomDocuments {
 public:
  explicit RandomDocuments(std::uint32_t seed) : random_(seed) {}
  std::size_t below(std::size_t end) { return random_() % end; }

  Record record(const RecordKey& key) {
    Record made = record_of(key.kind, key.id, object(0));
    made.fragments[0].mtime_ns = static_cast<std::int64_t>(below(50)) * 1'000'000'000;
    if (below(3) == 0) made.since_ns = static_cast<std::int64_t>(below(50)) * 1'000'000'000;
    if (below(15) == 0) {
      made.since_ns.reset();
      made.exists = false;
      made.document.clear();
    }
    return made;
  }

 private:
  std::string object(int depth) {
    static const std::vector<std::string> names = {"title", "tags", "n",   "media", "a/b",
                                                   "~",     "",     "_id", "x.y",   "0"};
    std::string text = "{";
    std::set<std::string> used;
    for (std::size_t n = below(6); n > 0; --n) {
      const std::string& name = names[below(names.size())];
      if (!used.insert(name).second) continue;
      if (text.size() > 1) text += ',';
      text += json_quote(name) + ':' + value(depth + 1);
    }
    return text + '}';
  }
  std::string value(int depth) {
    switch (below(depth > 3 ? 6 : 9)) {
      case 0:
        return std::vector<std::string>{"null", "true", "false"}[below(3)];
      case 1:
        return std::vector<std::string>{
            "0", "5", "5.0", "-12.5", "1e2", "100", "1e300", "-7", "64176294690080990"}[below(9)];
      case 2:
        return json_quote(std::string(60 + below(80), 'x') + std::to_string(below(3)));
      case 3:
      case 4:
      case 5: {
        std::string words;
        for (std::size_t n = below(8); n > 0; --n) words += word() + ' ';
        return json_quote(words);
      }
      case 6:
      case 7: {
        std::string text = "[";
        for (std::size_t n = below(5); n > 0; --n) {
          if (text.size() > 1) text += ',';
          text += value(depth + 1);
        }
        return text + ']';
      }
      default:
        return object(depth);
    }
  }
  std::string word() {
    static const std::vector<std::string> odd = {"Straße", "ÉCOLE", "日本語", "node.js", "한국어"};
    return below(6) == 0 ? odd[below(odd.size())] : "Word" + std::to_string(below(40));
  }
  std::mt19937 random_;
};

TEST(SearchParts, EqualWhatIsRecomputedThroughUpdatesDeletesFoldsAndMerges) {
  const std::uint32_t seed =
      ::testing::UnitTest::GetInstance()->random_seed() == 0
          ? 20'261'121U
          : static_cast<std::uint32_t>(::testing::UnitTest::GetInstance()->random_seed());
  std::cout << "seed " << seed << '\n';
  RandomDocuments random(seed);
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  IndexModel model;
  std::size_t changes = 0, merges = 0, looks = 0, most_parts = 0;
  while (changes < 10'000) {
    Batch batch;
    for (std::size_t n = random.below(random.below(8) == 0 ? 300 : 5) + 1; n > 0; --n) {
      const RecordKey key{random.below(4) == 0 ? "people" : "videos",
                          "id" + std::to_string(random.below(700))};
      batch.records[key] =
          random.below(4) == 0 ? std::nullopt : std::optional<Record>(random.record(key));
    }
    changes += batch.records.size();
    model.apply(batch);
    must(writer->publish(batch));
    if (random.below(7) == 0) must(writer->fold());
    if (random.below(9) == 0) {
      while (must(writer->merge())) ++merges;
    }
    if (random.below(40) == 0) {
      most_parts = std::max(most_parts, expect_recomputed(*writer, model));
      if (::testing::Test::HasFailure()) return;
      ++looks;
    }
  }
  expect_recomputed(*writer, model);
  must(writer->fold());
  expect_recomputed(*writer, model);
  while (must(writer->merge())) ++merges;
  expect_recomputed(*writer, model);
  std::cout << changes << " changes, " << merges << " merges, " << looks << " looks, up to "
            << most_parts << " parts\n";
  EXPECT_GE(looks, 3U);
  EXPECT_GE(merges, 1U);
  EXPECT_GE(most_parts, 4U);
  // What a new reader finds on disk is the same.
  model.expect_equal(must(must(IndexReader::open(folder / "index")).snapshot()));
}

// A large fresh layer is searched by pieces, which its fold merges; in the second round none of
// them was made before, and the fold makes all from documents.
TEST(SearchParts, EqualWhatIsRecomputedOfALargeFreshLayer) {
  RandomDocuments random(20'261'122);
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  IndexModel model;
  for (const bool ahead : {true, false}) {
    SCOPED_TRACE(ahead ? "made ahead" : "made by the fold");
    std::size_t changes = 0, made = 0;
    while (changes < 5 * piece_work) {
      Batch batch;
      for (std::size_t n = random.below(900) + 1; n > 0; --n) {
        const RecordKey key{random.below(4) == 0 ? "people" : "videos",
                            "id" + std::to_string(random.below(2 * piece_work))};
        batch.records[key] =
            random.below(6) == 0 ? std::nullopt : std::optional<Record>(random.record(key));
      }
      changes += batch.records.size();
      model.apply(batch);
      must(writer->publish(batch));
      while (ahead && must(writer->make_search_ahead())) ++made;
    }
    if (ahead) {
      EXPECT_GE(made, 3U);
      EXPECT_FALSE(writer->search_waits());
      EXPECT_GE(expect_recomputed(*writer, model), 6U);
      must(writer->make_all_search());
    }
    must(writer->fold());
    expect_recomputed(*writer, model);
  }
}

// Few records that take long: 24 with 9,000 names of their own each. They are three pieces, of
// which publishing leaves two to others.
TEST(SearchParts, WhatIsMadeForOneWhoIsOutOfTimeStays) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  Batch batch;
  for (int record = 0; record < 24; ++record) {
    const std::string id = std::to_string(record);
    std::string document = "{";
    for (int name = 0; name < 9000; ++name) {
      document += (name == 0 ? "\"u" : ",\"u") + id + '_' + std::to_string(name) + "\":1";
    }
    batch.records[{"videos", id}] = record_of("videos", id, document + "}");
  }
  must(writer->publish(std::move(batch)));
  int looks = 0;
  const auto time_for_one = [&]() -> Result<void> {
    if (++looks == 1) return {};
    return Error{Code::query_timeout, "out of time", ""};
  };
  const Snapshot snapshot = must(writer->snapshot());
  const auto found = search_parts(snapshot.state(), "videos", time_for_one);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::query_timeout);
  EXPECT_TRUE(must(writer->make_search_ahead()));
  EXPECT_FALSE(must(writer->make_search_ahead())) << "one was made by the search";
  EXPECT_EQ(must(search_parts(snapshot.state(), "videos", in_time)).size(), 3U);
  must(writer->fold());
  const Snapshot folded = must(writer->snapshot());
  looks = 1;
  EXPECT_FALSE(search_parts(folded.state(), "videos", time_for_one));
  EXPECT_EQ(must(search_parts(folded.state(), "videos", in_time)).size(), 1U);
}

TEST(SearchParts, ASnapshotKeepsItsPartsWhileTheIndexGoesOn) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  IndexModel before;
  for (const std::string id : {"a", "b", "c"}) {
    const Batch batch = one(id, "{\"title\":\"first of " + id + "\"}");
    before.apply(batch);
    must(writer->publish(batch));
    if (id == "a") must(writer->fold());
  }
  const Snapshot kept = must(writer->snapshot());
  for (int round = 0; round < 10; ++round) {
    must(
        writer->publish(one("a", "{\"title\":\"later\",\"round\":" + std::to_string(round) + "}")));
    must(writer->fold());
    while (must(writer->merge())) {
    }
  }
  const Indexed indexed(kept, "videos");
  const Recomputed wanted(before, "videos");
  expect_same(indexed.found.values, wanted.found.values, "posting lists");
  expect_same(indexed.found.words, wanted.found.words, "words");
}

TEST(SearchParts, AreNoneForAKindWithoutRecords) {
  TemporaryFolder folder;
  auto writer = open_writer(folder / "index");
  must(writer->publish(one("a", "{}")));
  EXPECT_TRUE(must(search_parts(must(writer->snapshot()).state(), "people", in_time)).empty());
  must(writer->fold());
  EXPECT_TRUE(must(search_parts(must(writer->snapshot()).state(), "people", in_time)).empty());
  EXPECT_EQ(must(search_parts(must(writer->snapshot()).state(), "videos", in_time)).size(), 1U);
}

}  // namespace
}  // namespace jcn
