#include "facets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "index_model.h"
#include "jcn/canonical.h"
#include "jcn/query.h"
#include "snapshot_state.h"
#include "temporary_folder.h"

namespace jcn {
namespace {

struct Talk {
  std::string language;
  std::set<std::string> tags;
  std::string title;
};
using Talks = std::map<std::string, Talk>;  // by id

std::string document_of(const Talk& talk) {
  std::string out = "{\"language\":" + json_quote(talk.language) + ",\"tags\":[";
  for (const std::string& tag : talk.tags) {
    if (out.back() != '[') out += ',';
    out += json_quote(tag);
  }
  return out + "],\"title\":" + json_quote(talk.title) + '}';
}

std::vector<std::string> values_of(const Talk& talk, const std::string& field) {
  if (field == "language") return {talk.language};
  if (field == "title") return {talk.title};
  return {talk.tags.begin(), talk.tags.end()};
}

// All values are ASCII strings: the order of their bytes is theirs.
Facet counted_plainly(const Talks& talks, const std::string& field, const Query& query) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [id, talk] : talks) {
    bool in = true;
    for (const Filter& filter : query.filters) {
      const bool same = talk.language == filter.value;
      in = in && same == (filter.op == Operator::exact);
    }
    if (!in) continue;
    for (const std::string& value : values_of(talk, field)) ++counts[value];
  }
  std::vector<std::pair<std::string, std::uint64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  Facet facet;
  facet.truncated = sorted.size() > query.facet_size;
  if (facet.truncated) sorted.resize(query.facet_size);
  for (const auto& [value, count] : sorted) facet.values.push_back({json_quote(value), count});
  return facet;
}

class RandomTalks {
 public:
  explicit RandomTalks(std::uint32_t seed) : random_(seed) {}
  std::size_t below(std::size_t end) { return random_() % end; }
  std::string id() { return "id" + std::to_string(below(7000)); }
  std::string language() { return "l" + std::to_string(below(1 + below(12))); }

  Talk talk() {
    Talk talk;
    talk.language = language();
    for (std::size_t n = below(6); n > 0; --n) {
      talk.tags.insert("t" + std::to_string(below(1 + below(3000))));
    }
    talk.title = "title " + std::to_string(below(40));
    // Keys are cut: some share all of their key.
    if (below(10) == 0) talk.title = std::string(700, 'x') + std::to_string(below(9));
    return talk;
  }

 private:
  std::mt19937 random_;
};

// An index, and what ought to be in it.
class FacetsTest : public ::testing::Test {
 protected:
  void SetUp() override { writer_ = open_writer(folder_ / "index"); }

  void put(Batch& batch, const std::string& id, const Talk& talk) {
    batch.records[{"videos", id}] = record_of("videos", id, document_of(talk));
    talks_[id] = talk;
  }
  void remove(Batch& batch, const std::string& id) {
    batch.records[{"videos", id}] = std::nullopt;
    talks_.erase(id);
  }
  void change(RandomTalks& random, std::size_t records) {
    Batch batch;
    for (; records > 0; --records) {
      if (random.below(5) == 0) {
        remove(batch, random.id());
      } else {
        put(batch, random.id(), random.talk());
      }
    }
    must(writer_->publish(std::move(batch)));
  }

  static Query asking(const std::string& field, std::uint32_t size) {
    Query query;
    query.kind = "videos";
    query.size = 0;
    query.facets = {must(parse_field(field))};
    query.facet_size = size;
    return query;
  }
  static void expect_exact(const Snapshot& snapshot, const Talks& talks, const Query& query) {
    const std::string field = query.facets.front().text;
    SCOPED_TRACE(field + ", " + std::to_string(query.facet_size) + " values, " +
                 std::to_string(query.filters.size()) + " filters");
    const QueryAnswer answer = must(run_query(snapshot, query));
    ASSERT_EQ(answer.facets.size(), 1U);
    const Facet& found = answer.facets.front();
    const Facet wanted = counted_plainly(talks, field, query);
    EXPECT_EQ(found.truncated, wanted.truncated);
    ASSERT_EQ(found.values.size(), wanted.values.size());
    for (std::size_t i = 0; i < wanted.values.size(); ++i) {
      ASSERT_EQ(found.values[i].value, wanted.values[i].value) << "at " << i;
      ASSERT_EQ(found.values[i].count, wanted.values[i].count) << wanted.values[i].value;
    }
  }

  TemporaryFolder folder_;
  std::unique_ptr<IndexWriter> writer_;
  Talks talks_;
};

// Publishes of all sizes, folds and merges; every state is asked again and again while later ones
// come, all of them and with filters that leave most or few.
TEST_F(FacetsTest, EveryStateHasItsOwnCountsWhileOthersComeAndGo) {
  const std::uint32_t seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  RandomTalks random(seed);
  struct State {
    Snapshot snapshot;
    Talks talks;
  };
  std::deque<State> states;
  const auto ask = [&](const State& state) {
    const std::vector<std::string> fields = {"tags", "tags", "language", "title"};
    Query query =
        asking(fields[random.below(4)], static_cast<std::uint32_t>(1 + random.below(200)));
    if (random.below(3) == 0) {
      const std::string name = random.below(2) == 0 ? "language__not" : "language";
      query.filters.push_back(must(parse_filter(name, random.language())));
    }
    expect_exact(state.snapshot, state.talks, query);
  };
  change(random, 8000);
  must(writer_->fold());
  for (int round = 0; round < 120; ++round) {
    change(random, random.below(12) == 0 ? 1500 : 1 + random.below(1 + random.below(60)));
    if (random.below(15) == 0) must(writer_->fold());
    if (random.below(15) == 0) must(writer_->merge());
    states.push_back({must(writer_->snapshot()), talks_});
    if (states.size() > 5) states.erase(states.begin() + static_cast<int>(random.below(5)));
    ask(states.back());
    ask(states.back());
    ask(states[random.below(states.size())]);
    if (HasFailure()) return;
  }
  EXPECT_LE(states.back().snapshot.state().cache().counts().bytes(), KeptCounts::usual_bytes);
}

// Where nothing but a few records differs from a state that was counted, only those are counted.
TEST_F(FacetsTest, CountsAreKeptOfAStateNotOfWhatFiltersLeave) {
  RandomTalks random(1);
  change(random, 6000);
  must(writer_->fold());
  const Snapshot snapshot = must(writer_->snapshot());
  const KeptCounts& kept = snapshot.state().cache().counts();
  Query filtered = asking("tags", 20);
  filtered.filters.push_back(must(parse_filter("language", "l1")));
  expect_exact(snapshot, talks_, filtered);
  EXPECT_EQ(kept.bytes(), 0U);
  expect_exact(snapshot, talks_, asking("tags", 20));
  const std::size_t bytes = kept.bytes();
  EXPECT_GT(bytes, 0U);
  expect_exact(snapshot, talks_, asking("tags", 150));
  expect_exact(snapshot, talks_, filtered);
  EXPECT_EQ(kept.bytes(), bytes);
  expect_exact(snapshot, talks_, asking("language", 20));
  EXPECT_GT(kept.bytes(), bytes);
}

// What is frequent among new records only, in a piece that is small beside the folded segment.
TEST_F(FacetsTest, ValuesThatOnlyASmallPieceHasComeFirst) {
  RandomTalks random(2);
  change(random, 8000);
  must(writer_->fold());
  expect_exact(must(writer_->snapshot()), talks_, asking("tags", 10));
  Batch batch;
  for (int i = 0; i < 2500; ++i) {
    Talk talk = random.talk();
    talk.tags.insert("a new one");
    if (i % 2 == 0) talk.tags.insert("zz another");
    if (i < 40) talk.tags.insert("seldom " + std::to_string(i % 3));
    put(batch, "new" + std::to_string(i), talk);
  }
  must(writer_->publish(std::move(batch)));
  const Snapshot snapshot = must(writer_->snapshot());
  for (const std::uint32_t size : {1U, 2U, 3U, 10U, 50U, 500U, 1000U}) {
    expect_exact(snapshot, talks_, asking("tags", size));
  }
  const Facet first = must(run_query(snapshot, asking("tags", 1))).facets.front();
  EXPECT_EQ(first.values.front().value, "\"a new one\"");
  EXPECT_EQ(first.values.front().count, 2500U);
}

}  // namespace
}  // namespace jcn
