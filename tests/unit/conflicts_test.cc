#include "jcn/conflicts.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <set>

#include "files_index.h"
#include "jcn/compose.h"

namespace jcn {
namespace {

class Conflicts : public FilesIndex {
 protected:
  static std::string line(const Conflict& conflict) {
    std::string text = conflict.key.kind + "/" + conflict.key.id + " " + conflict.pointer + " " +
                       conflict.winner.name.path + "=" + conflict.winner.value + " <";
    for (const ConflictSide& side : conflict.shadowed)
      text += " " + side.name.path + "=" + side.value;
    return text;
  }
  // Page by page; `between` is called after each.
  std::vector<std::string> walk(ConflictQuery query,
                                const std::function<void()>& between = nullptr) {
    std::vector<std::string> lines;
    for (;;) {
      auto snapshot = must(writer->snapshot());
      ConflictPage page = must(find_conflicts(snapshot, rules, query));
      EXPECT_LE(page.rows.size(), query.size);
      for (const Conflict& conflict : page.rows) lines.push_back(line(conflict));
      if (!page.next) return lines;
      query.after = page.next;
      if (between) between();
    }
  }
  // The same from the files alone, in no order.
  std::multiset<std::string> expected() const {
    std::map<RecordKey, std::vector<FragmentName>> records;
    std::map<FragmentName, std::string> bodies;
    for (const auto& [name, text] : files) {
      const auto verdict = judge(rules, name, text);
      const auto* good = std::get_if<GoodFragment>(&verdict);
      if (!good) continue;
      records[good->key].push_back(name);
      bodies[name] = good->body;
    }
    std::multiset<std::string> lines;
    for (const auto& [key, names] : records) {
      std::vector<Contribution> contributions;
      for (const FragmentName& name : names)
        contributions.push_back({name, rules.find(name), bodies[name]});
      for (const Origin& origin : origins(contributions)) {
        if (origin.shadowed.empty()) continue;
        Conflict conflict{key, origin.pointer, {names[origin.winner], origin.value}, {}};
        for (const Opinion& opinion : origin.shadowed)
          conflict.shadowed.push_back({names[opinion.contribution], std::string(opinion.value)});
        lines.insert(line(conflict));
      }
    }
    return lines;
  }
};

TEST_F(Conflicts, AreValuesThatDiffer) {
  put("a.json", R"({"id":"x","t":"one","n":1,"same":5,"o":{"p":1},"only":1})");
  put("b.json", R"({"id":"x","t":"two","n":null,"same":5.0,"o":{"p":2,"q":3}})");
  put("c.json", R"({"id":"alone","t":"three"})");
  const std::vector<std::string> wanted = {
      R"(videos/x /n b.json=null < a.json=1)",
      R"(videos/x /o/p b.json=2 < a.json=1)",
      R"(videos/x /t b.json="two" < a.json="one")",
  };
  EXPECT_EQ(walk({}), wanted) << "fresh";
  fold();
  EXPECT_EQ(walk({}), wanted) << "folded";
  put("a.json", R"({"id":"x","t":"two"})");
  EXPECT_EQ(walk({}), std::vector<std::string>{}) << "half and half, and settled";
  put("d.json", R"({"id":"alone","t":"four"})");
  EXPECT_EQ(walk({}),
            std::vector<std::string>{R"(videos/alone /t d.json="four" < c.json="three")"});
}

TEST_F(Conflicts, OfLastGoodContentCount) {
  put("a.json", R"({"id":"x","t":1})");
  put("b.json", R"({"id":"x","t":2})");
  put("b.json", "{broken");
  EXPECT_EQ(walk({}), std::vector<std::string>{"videos/x /t b.json=2 < a.json=1"});
}

TEST_F(Conflicts, OfRecordsWithoutTheirAnchorDoNot) {
  Rule anchor;
  anchor.match = "main/*.json";
  anchor.anchor = true;
  rules.rules.insert(rules.rules.begin(), anchor);
  put("a.json", R"({"id":"x","t":1})");
  put("b.json", R"({"id":"x","t":2})");
  EXPECT_TRUE(walk({}).empty());
  put("main/c.json", R"({"id":"x"})");
  EXPECT_EQ(walk({}).size(), 1U);
}

TEST_F(Conflicts, OfOneKind) {
  Rule people;
  people.kind = "people";
  people.match = "people/*.json";
  rules.rules.insert(rules.rules.begin(), people);
  for (const char* path : {"a.json", "b.json", "people/a.json", "people/b.json"})
    put(path, std::string(R"({"id":"x","t":")") + path + "\"}");
  ConflictQuery query;
  EXPECT_EQ(walk(query).size(), 2U);
  query.kind = "people";
  EXPECT_EQ(walk(query), std::vector<std::string>{R"(people/x /t people/b.json="people/b.json" < )"
                                                  R"(people/a.json="people/a.json")"});
  query.kind = "none";
  EXPECT_TRUE(walk(query).empty());
}

TEST_F(Conflicts, StandAtPathsThatAreTooLongForAKey) {
  const std::string deep = std::string(250, 'd') + "/" + std::string(250, 'e') + "/";
  for (int i = 0; i < 6; ++i)
    put(deep + std::to_string(i) + ".json",
        R"({"id":")" + std::to_string(i / 2) + R"(","t":)" + std::to_string(i) + "}");
  fold();
  ConflictQuery query;
  query.size = 1;
  const auto lines = walk(query);
  EXPECT_EQ(std::multiset<std::string>(lines.begin(), lines.end()), expected());
  EXPECT_EQ(lines.size(), 3U);
}

// Many random files, fresh, folded and half and half; pages of every kind of bound; changes between
// pages. What was not touched must come exactly once.
TEST_F(Conflicts, PagesStayRightWhileRecordsComeAndGo) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto draw = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  Rule second;
  second.match = "**/*.max.json";
  second.rank = 5;
  second.merge = {{MergeStrategy::Kind::max, "/n"}, {MergeStrategy::Kind::union_of, "/l"}};
  rules.rules.insert(rules.rules.begin(), second);
  const auto put_random = [&](const std::string& ids) {
    const std::string path = std::to_string(draw(12)) + "/" + ids + std::to_string(draw(20)) +
                             (draw(3) == 0 ? ".max.json" : ".json");
    std::string text = R"({"id":")" + ids + std::to_string(draw(25)) + "\"";
    if (draw(2)) text += ",\"n\":" + std::to_string(draw(3));
    if (draw(2)) text += ",\"t\":" + std::string(draw(4) ? "\"x\"" : "null");
    if (draw(2)) text += ",\"l\":[" + std::to_string(draw(3)) + "]";
    if (draw(3) == 0) text += ",\"o\":{\"p\":" + std::to_string(draw(3)) + ",\"q\":null}";
    put({draw(4) ? "r" : "s", path}, text + "}");
  };
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 120; ++i) put_random("k");
    if (round % 3 == 1) fold();
    for (int i = 0; i < 30; ++i) put_random("k");
    const std::multiset<std::string> all = expected();
    EXPECT_GT(all.size(), 20U);
    const auto compare = [&](const std::vector<std::string>& lines) {
      EXPECT_EQ(std::multiset<std::string>(lines.begin(), lines.end()), all);
    };
    compare(walk({}));
    ConflictQuery query;
    query.size = 1 + draw(5);
    compare(walk(query));
    query.files = 1 + draw(7);
    compare(walk(query));
    query.page_bytes = 1;
    compare(walk(query));
    query.until = std::chrono::steady_clock::time_point::min();
    compare(walk(query));
    // Other records change after each page.
    std::multiset<std::string> seen;
    ConflictQuery small;
    small.size = 7;
    for (const std::string& line : walk(small, [&] {
           for (int i = 0; i < 3; ++i) put_random("other");
           if (draw(4) == 0) fold();
         })) {
      if (line.starts_with("videos/k")) seen.insert(line);
    }
    EXPECT_EQ(seen, all);
    std::vector<FragmentName> others;
    for (const auto& [name, text] : files) {
      if (name.path.find("other") != std::string::npos) others.push_back(name);
    }
    for (const FragmentName& name : others) remove(name);
  }
}

}  // namespace
}  // namespace jcn
