#include "jcn/query.h"

#include <gtest/gtest.h>

#include <iostream>
#include <random>

#include "index_lives.h"
#include "query_model.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

// Keeps an index and its model alike.
class Library {
 public:
  Library() : writer(open_writer(folder / "index")) {}
  void put(const std::string& id, const std::string& document) { publish(one(id, document)); }
  void remove(const std::string& id) {
    Batch batch;
    batch.records[{"videos", id}] = std::nullopt;
    publish(std::move(batch));
  }
  void publish(Batch batch) {
    model.apply(batch);
    must(writer->publish(std::move(batch)));
  }
  Snapshot snapshot() { return must(writer->snapshot()); }
  QueryAnswer run(const Query& query) { return must(run_query(snapshot(), query)); }
  Ids ids(const Query& query) {
    Ids ids;
    for (const Record& row : run(query).rows) ids.push_back(row.key.id);
    return ids;
  }

  TemporaryFolder folder;
  std::unique_ptr<IndexWriter> writer;
  IndexModel model;
};

Query all_videos() {
  Query query;
  query.kind = "videos";
  return query;
}

Query filtered(const std::string& name, const std::string& value) {
  Query query = all_videos();
  query.filters.push_back(filter_of(name, value));
  return query;
}

std::string describe(const Query& query) {
  std::string out;
  for (const Filter& filter : query.filters) out += filter.name + '=' + filter.value + " & ";
  for (const SearchTerm& term : query.searches) {
    out += "search " + (term.field ? term.field->text : "") + ' ' + term.words + " & ";
  }
  if (query.sort) out += (query.descending ? "desc " : "asc ") + query.sort->text;
  for (const Field& facet : query.facets) out += " facet " + facet.text;
  return out + " size " + std::to_string(query.size) + " facets " +
         std::to_string(query.facet_size) + (query.weights.empty() ? "" : " weighted");
}

std::string shown(const Snapshot& snapshot, const std::string& id) {
  return id + ' ' + must(snapshot.record({"videos", id}))->document;
}

void expect_same_facet(const Facet& found, const Facet& wanted) {
  EXPECT_EQ(found.truncated, wanted.truncated);
  ASSERT_EQ(found.values.size(), wanted.values.size());
  for (std::size_t i = 0; i < wanted.values.size(); ++i) {
    // Of equal numbers the model shows the first that it met.
    EXPECT_EQ(compare_values(found.values[i].value, wanted.values[i].value), 0)
        << found.values[i].value << " for " << wanted.values[i].value;
    EXPECT_EQ(found.values[i].count, wanted.values[i].count) << wanted.values[i].value;
  }
}

void expect_answer(const Snapshot& snapshot, const QueryModel& model, const Query& query) {
  SCOPED_TRACE(describe(query));
  const Ids wanted = model.ids(query);
  const auto answer = must(run_query(snapshot, query));
  const Ids found = walk(snapshot, query);
  if (found != wanted) {
    const auto [in_found, in_wanted] =
        std::mismatch(found.begin(), found.end(), wanted.begin(), wanted.end());
    FAIL() << "found " << found.size() << " of " << wanted.size() << "; the first other one is "
           << (in_found == found.end() ? "none" : shown(snapshot, *in_found)) << " in place of "
           << (in_wanted == wanted.end() ? "none" : shown(snapshot, *in_wanted));
  }
  EXPECT_EQ(answer.next.has_value(), wanted.size() > query.size);
  EXPECT_EQ(answer.count.has_value(), query.count);
  if (answer.count) {
    EXPECT_EQ(*answer.count, wanted.size());
  }
  EXPECT_EQ(answer.plan.empty(), !query.plan);
  ASSERT_EQ(answer.facets.size(), query.facets.size());
  for (std::size_t i = 0; i < query.facets.size(); ++i) {
    SCOPED_TRACE(query.facets[i].text);
    expect_same_facet(answer.facets[i], model.facet(query, query.facets[i]));
  }
  Ids unknown;
  const auto name = [&](const Field& field) {
    if (model.known(field)) return;
    if (std::find(unknown.begin(), unknown.end(), field.text) == unknown.end()) {
      unknown.push_back(field.text);
    }
  };
  for (const Filter& filter : query.filters) name(filter.field);
  for (const SearchTerm& term : query.searches) {
    if (term.field) name(*term.field);
  }
  if (query.sort) name(*query.sort);
  for (const Field& facet : query.facets) name(facet);
  for (const Field& field : query.also_named) name(field);
  EXPECT_EQ(answer.unknown_fields, unknown);
}

// Random records, filters, searches, orders and facets, in every state of the index: fresh, folded,
// both, with what was replaced and removed, in many segments and merged.
TEST(RunQuery, AnswersAsThePlainModelDoes) {
  const std::uint32_t seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  RandomQueries random(seed);
  std::size_t with_rows = 0, asked = 0;
  for (int trial = 0; trial < 12; ++trial) {
    Library library;
    const std::size_t ids = 5 + random.below(200);
    for (std::size_t round = 0; round < 6; ++round) {
      Batch batch;
      for (std::size_t n = random.below(80); n > 0; --n) {
        const RecordKey key{random.below(8) == 0 ? "people" : "videos",
                            "id" + std::to_string(random.below(ids))};
        if (random.below(6) == 0) {
          batch.records[key] = std::nullopt;
          continue;
        }
        Record record = record_of(key.kind, key.id, random.document());
        record.fragments.front().mtime_ns =
            static_cast<std::int64_t>(random.below(5)) * 1'000'000'000;
        if (random.below(3) == 0)
          record.since_ns = static_cast<std::int64_t>(random.below(5)) * 1'000'000'000;
        if (random.below(15) == 0) {
          record.since_ns.reset();
          record.exists = false;
          record.document.clear();
        }
        batch.records[key] = std::move(record);
      }
      library.publish(std::move(batch));
      if (random.below(3) == 0) must(library.writer->fold());
      if (random.below(4) == 0) must(library.writer->merge());
      const QueryModel model(library.model.records, "videos");
      const Snapshot snapshot = library.snapshot();
      for (int i = 0; i < 25; ++i) {
        const Query query = random.query();
        expect_answer(snapshot, model, query);
        if (HasFatalFailure() || HasNonfatalFailure()) return;
        ++asked;
        with_rows += model.ids(query).empty() ? 0 : 1;
      }
    }
  }
  std::cout << with_rows << " of " << asked << " queries have rows\n";
  EXPECT_GT(with_rows, asked / 3);
}

// So many that columns have several chunks, postings are bitmaps, and ranges go by column.
TEST(RunQuery, AnswersAsThePlainModelDoesOverManyRecords) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  RandomQueries random(seed);
  Library library;
  const auto document = [&] {
    std::string out = "{\"n\":" + std::to_string(random.below(3000));
    if (random.below(4) != 0) out += ",\"few\":\"v" + std::to_string(random.below(5)) + '"';
    if (random.below(10) == 0) out += ",\"rare\":" + std::to_string(random.below(40)) + ".5";
    out += ",\"tags\":[";
    for (std::size_t i = 0, size = random.below(5); i < size; ++i) {
      if (i > 0) out += ',';
      const std::size_t end = 1 + random.below(300);
      out += "\"t" + std::to_string(random.below(end)) + '"';
    }
    return out + "],\"w\":\"" + (random.below(3) == 0 ? "red " : "") + "blue\"}";
  };
  for (int round = 0; round < 5; ++round) {
    Batch batch;
    for (int i = round == 0 ? 9000 : 700; i > 0; --i) {
      const std::string id = "id" + std::to_string(random.below(11'000));
      batch.records[{"videos", id}] = record_of("videos", id, document());
      if (round > 0 && i % 5 == 0) batch.records[{"videos", id}] = std::nullopt;
    }
    library.publish(std::move(batch));
    if (round < 4) must(library.writer->fold());
  }
  const QueryModel model(library.model.records, "videos");
  const Snapshot snapshot = library.snapshot();
  const std::vector<std::pair<std::string, std::string>> filters = {
      {"n__gte", "2990"},  {"n__lt", "2000"},       {"n__in", "5,6,7"}, {"few", "v1"},
      {"few__not", "v1"},  {"few__isnull", "1"},    {"rare__gt", "20"}, {"tags", "t3"},
      {"tags__gte", "t4"}, {"tags__contains", "9"}, {"_id__lt", "id4"}, {"/tags/1", "t0"}};
  for (int i = 0; i < 40; ++i) {
    Query query = all_videos();
    for (std::size_t n = random.below(3); n > 0; --n) {
      const auto& [name, value] = random.one_of(filters);
      query.filters.push_back(filter_of(name, value));
    }
    if (i % 4 == 0) query.searches.push_back({std::nullopt, "red"});
    const std::vector<std::string> fields = {"n", "few", "rare", "tags", "_id", "none"};
    if (i % 5 != 0) query.sort = field_named(random.one_of(fields));
    query.descending = query.sort && random.below(2) == 0;
    query.size = static_cast<std::uint32_t>(500 + random.below(500));
    query.count = true;
    if (random.below(2) == 0) query.facets = {field_named(random.one_of(fields))};
    query.facet_size = static_cast<std::uint32_t>(5 + random.below(60));
    expect_answer(snapshot, model, query);
    if (HasFailure()) return;
  }
}

TEST(RunQuery, ListsAllByIdWithoutBeingAsked) {
  Library library;
  for (const char* id : {"c", "a", "d", "b"}) library.put(id, R"({"t":1})");
  library.publish([] {
    Batch batch = one("o", "");
    batch.records[{"videos", "o"}]->exists = false;
    return batch;
  }());
  Query query = all_videos();
  query.size = 3;
  query.count = true;
  query.also_named = {field_named("t"), field_named("u"), field_named("_id")};
  const QueryAnswer answer = library.run(query);
  ASSERT_EQ(answer.rows.size(), 3U);
  EXPECT_EQ(answer.rows[0].key.id, "a");
  EXPECT_EQ(answer.rows[0].document, R"({"t":1})");
  EXPECT_EQ(answer.count, 4U);
  EXPECT_EQ(answer.unknown_fields, Ids{"u"});
  ASSERT_TRUE(answer.next);
  EXPECT_EQ(answer.next->id, "c");
  EXPECT_EQ(walk(library.snapshot(), query), (Ids{"a", "b", "c", "d"}));
}

TEST(RunQuery, AKindWithoutRecords) {
  Library library;
  library.put("a", R"({"t":1})");
  Query query = filtered("t__gte", "0");
  query.kind = "people";
  query.sort = field_named("t");
  query.count = true;
  query.facets = {field_named("t")};
  query.searches = {{std::nullopt, "word"}};
  const QueryAnswer answer = library.run(query);
  EXPECT_TRUE(answer.rows.empty());
  EXPECT_EQ(answer.count, 0U);
  ASSERT_EQ(answer.facets.size(), 1U);
  EXPECT_TRUE(answer.facets[0].values.empty());
  EXPECT_EQ(answer.unknown_fields, Ids{"t"});
}

// Their segment still has it: what counts is whether one of the living does.
TEST(RunQuery, AFieldOfTheDeadAloneIsUnknown) {
  Library library;
  for (const char* id : {"a", "b", "c", "d"}) library.put(id, R"({"t":1})");
  library.put("e", "{}");
  must(library.writer->fold());
  const auto unknown = [&library] { return library.run(filtered("t__gte", "0")).unknown_fields; };
  for (const char* id : {"a", "b", "c"}) {
    library.put(id, "{}");
    must(library.writer->fold());
    EXPECT_EQ(unknown(), Ids{}) << id;
  }
  library.put("d", "{}");
  EXPECT_EQ(unknown(), Ids{"t"});
  must(library.writer->fold());
  EXPECT_EQ(unknown(), Ids{"t"});
}

TEST(RunQuery, SizeZeroCountsOnly) {
  Library library;
  library.put("a", R"({"t":1})");
  library.put("b", R"({"t":1})");
  for (Query query : {all_videos(), filtered("t", "1")}) {
    query.size = 0;
    query.count = true;
    const QueryAnswer answer = library.run(query);
    EXPECT_TRUE(answer.rows.empty());
    EXPECT_FALSE(answer.next);
    EXPECT_EQ(answer.count, 2U);
  }
}

TEST(RunQuery, APageEndsAtItsBytesButHasOneRecord) {
  Library library;
  const std::string document = R"({"t":")" + std::string(100, 'x') + "\"}";
  for (const char* id : {"a", "b", "c", "d", "e"}) library.put(id, document);
  for (Query query : {all_videos(), filtered("t__notnull", "1")}) {
    query.page_bytes = 2 * document.size();
    EXPECT_EQ(library.ids(query), (Ids{"a", "b"}));
    EXPECT_EQ(walk(library.snapshot(), query), (Ids{"a", "b", "c", "d", "e"}));
    query.page_bytes = 1;
    EXPECT_EQ(library.ids(query), (Ids{"a"}));
    EXPECT_EQ(walk(library.snapshot(), query), (Ids{"a", "b", "c", "d", "e"}));
  }
}

TEST(RunQuery, PastItsDeadlineItIsAnErrorNeverAPart) {
  Library library;
  library.put("a", R"({"t":"word"})");
  for (Query query : {all_videos(), filtered("t__contains", "w")}) {
    query.deadline = std::chrono::steady_clock::now();
    const auto answer = run_query(library.snapshot(), query);
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, Code::query_timeout);
  }
}

// What nobody has asked for yet is made searchable by the queries that need it, each as far as its
// time goes: what one has done the next finds done.
TEST(RunQuery, MakingFreshRecordsSearchableCountsAndLasts) {
  Library library;
  std::string words;
  for (int i = 0; i < 200; ++i) words += "word" + std::to_string(i * 7919) + ' ';
  Batch batch;
  for (int i = 0; i < 6000; ++i) {
    const std::string id = std::to_string(i);
    batch.records[{"videos", id}] =
        record_of("videos", id, R"({"n":)" + id + R"(,"t":")" + words + "\"}");
  }
  must(library.writer->publish(std::move(batch)));
  ASSERT_TRUE(library.writer->search_waits());
  const auto ask = [&] {
    Query query = filtered("n", "77");
    query.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
    return run_query(library.snapshot(), query);
  };
  auto answer = ask();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, Code::query_timeout);
  for (int asked = 1; !answer.ok() && asked < 100; ++asked) answer = ask();
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  ASSERT_EQ(answer->rows.size(), 1U);
  EXPECT_FALSE(library.writer->search_waits());
}

// A walk goes on behind where it was, wherever that record is gone meanwhile, and shows each record
// that does not change once.
TEST(RunQuery, AWalkYieldsWhatDoesNotChangeOnceWhileOthersComeAndGo) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  RandomQueries random(seed);
  for (int order = 0; order < 5; ++order) {
    SCOPED_TRACE(order);
    Library library;
    const auto document = [&] {
      return "{\"n\":" + random.scalar() + ",\"w\":" + json_quote(random.text() + " word") + "}";
    };
    for (int i = 0; i < 120; ++i) library.put("id" + std::to_string(i), document());
    must(library.writer->fold());
    Query query = filtered("w__notnull", "1");
    query.size = 4;
    if (order == 1 || order == 2) query.sort = field_named("n");
    if (order == 3) query.sort = field_named("_id");
    if (order == 4) query.searches = {{std::nullopt, "word"}};
    query.descending = order == 2 || order == 3;
    std::map<std::string, int> seen;
    for (int page = 0;; ++page) {
      const QueryAnswer answer = library.run(query);
      for (const Record& row : answer.rows) ++seen[row.key.id];
      if (!answer.next) break;
      query.after = answer.next;
      // Even ids stay as they are. The record at the page's end goes, too, if it may.
      for (int i = 0; i < 3; ++i) {
        const std::string id = "id" + std::to_string(random.below(120) / 2 * 2 + 1);
        random.below(2) == 0 ? library.put(id, document()) : library.remove(id);
      }
      const std::string& last = answer.next->id;
      if ((last.back() - '0') % 2 == 1) library.remove(last);
      if (page % 7 == 3) must(library.writer->fold());
      if (page % 7 == 5) must(library.writer->merge());
    }
    for (int i = 0; i < 120; i += 2) EXPECT_EQ(seen["id" + std::to_string(i)], 1) << i;
  }
}

TEST(RunQuery, ThePlanSaysWhatEachStepLeft) {
  Library library;
  for (int i = 0; i < 10; ++i) {
    library.put("id" + std::to_string(i), "{\"n\":" + std::to_string(i) + ",\"w\":\"red\"}");
  }
  must(library.writer->fold());
  Query query = filtered("n__gte", "4");
  query.filters.push_back(filter_of("w", "red"));
  query.searches = {{std::nullopt, "red"}};
  query.plan = true;
  const QueryAnswer answer = library.run(query);
  ASSERT_EQ(answer.plan.size(), 5U);
  EXPECT_EQ(answer.plan[0], "10 records of videos in 1 segment");
  EXPECT_EQ(answer.plan[1], "filter w=red: 10 records left, 0 documents read so far");
  EXPECT_EQ(answer.plan[2], "filter n__gte=4: 6 records left, 0 documents read so far");
  EXPECT_EQ(answer.plan[3], "search: 6 records left, 0 documents read so far");
  EXPECT_EQ(answer.plan[4], "page in the order of relevance: 6 rows, 6 documents read in all");
}

TEST(RunQuery, EmptySearchesFindNothing) {
  Library library;
  library.put("a", R"({"t":"word"})");
  Query query = all_videos();
  query.searches = {{std::nullopt, "…!"}};
  EXPECT_TRUE(library.ids(query).empty());
}

}  // namespace
}  // namespace jcn
