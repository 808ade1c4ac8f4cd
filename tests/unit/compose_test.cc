#include "jcn/compose.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>

#include "jcn/canonical.h"

namespace jcn {
namespace {

using Kind = MergeStrategy::Kind;

// Contributions whose rules and bodies live as long as the set.
class Set {
 public:
  Set& add(const std::string& path, const std::string& body, const Rule& rule = {},
           const std::string& root = "r") {
    rules_.push_back(rule);
    bodies_.push_back(body);
    list_.push_back({{root, path}, &rules_.back(), bodies_.back()});
    return *this;
  }
  const std::vector<Contribution>& list() const { return list_; }
  std::string document(bool wants_anchor = false) const {
    return compose(list_, wants_anchor).document;
  }
  std::vector<std::string> order() const {
    std::vector<std::string> out;
    for (const std::size_t i : compose(list_, false).order) {
      out.push_back(list_[i].name.root + ":" + list_[i].name.path);
    }
    return out;
  }
  // Every order of arrival gives the same document.
  void expect_pure() const {
    std::vector<Contribution> shuffled = list_;
    std::sort(shuffled.begin(), shuffled.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    do {
      EXPECT_EQ(compose(shuffled, false).document, document());
    } while (std::next_permutation(shuffled.begin(), shuffled.end(),
                                   [](const auto& a, const auto& b) { return a.name < b.name; }));
  }

 private:
  std::deque<Rule> rules_;
  std::deque<std::string> bodies_;
  std::vector<Contribution> list_;
};

Rule ranked(std::int32_t rank) {
  Rule rule;
  rule.rank = rank;
  return rule;
}

Rule ordered_by(const std::string& pointer) {
  Rule rule;
  rule.order_by = pointer;
  return rule;
}

Rule merging(Kind kind, const std::string& pointer) {
  Rule rule;
  rule.merge = {{kind, pointer}};
  return rule;
}

std::string merged(const Rule& rule, const std::string& first, const std::string& second) {
  return Set().add("a.json", first).add("b.json", second, rule).document();
}

TEST(Compose, OneFragmentIsTheDocumentVerbatim) {
  EXPECT_EQ(Set().add("a.json", R"({"a":null,"b":1.10})").document(), R"({"a":null,"b":1.10})");
}

TEST(Compose, LaterFragmentsAreMergePatches) {
  Set set;
  set.add("abc.views.json", R"({"views":5,"old":null})")
      .add("abc.json", R"({"title":"T","old":1,"gone":null})");
  EXPECT_EQ(set.document(), R"({"title":"T","gone":null,"views":5})");
  set.expect_pure();
}

TEST(Compose, OrderIsRankThenValueThenPathThenRoot) {
  Set set;
  set.add("abc.views.json", "{}")
      .add("abc.json", "{}", {}, "s")
      .add("abc.json", "{}", {}, "r")
      .add("zzz.json", "{}", ranked(-1))
      .add("abc-1.json", "{}")
      .add("aaa.json", R"({"n":10})", ordered_by("/n"))
      .add("bbb.json", R"({"n":9})", ordered_by("/n"))
      .add("ccc.json", R"({"n":"9"})", ordered_by("/n"))
      .add("ddd.json", "{}", ordered_by("/n"))
      .add("000.json", "{}", ranked(1));
  // Without its suffix "abc" comes before "abc-1" and "abc.views"; absent values come first.
  EXPECT_EQ(set.order(),
            (std::vector<std::string>{"r:zzz.json", "r:abc.json", "s:abc.json", "r:abc-1.json",
                                      "r:abc.views.json", "r:ddd.json", "r:bbb.json", "r:aaa.json",
                                      "r:ccc.json", "r:000.json"}));
}

TEST(Compose, NamesThatDifferInTheSuffixOnly) {
  Set set;
  set.add("a", R"({"x":1})").add("a.json", R"({"x":2})");
  EXPECT_EQ(set.order(), (std::vector<std::string>{"r:a", "r:a.json"}));
  set.expect_pure();
}

TEST(Compose, IgnoringNulls) {
  Rule rule;
  rule.ignore_nulls = true;
  EXPECT_EQ(merged(rule, R"({"a":1})", R"({"a":null,"b":null,"c":2})"), R"({"a":1,"c":2})");
}

TEST(ComposeUnion, UnseenElementsFollow) {
  const Rule rule = merging(Kind::union_of, "/tags");
  EXPECT_EQ(merged(rule, R"({"tags":["b","a",1]})", R"({"x":0,"tags":["c","a",1.0,2,"c"]})"),
            R"({"tags":["b","a",1,"c",2],"x":0})");
  EXPECT_EQ(merged(rule, R"({"tags":[]})", R"({"tags":[1]})"), R"({"tags":[1]})");
  EXPECT_EQ(merged(rule, R"({"tags":[1]})", R"({"tags":[]})"), R"({"tags":[1]})");
  EXPECT_EQ(merged(rule, R"({"tags":[{"a":1,"b":2}]})", R"({"tags":[{"b":2,"a":1.0}]})"),
            R"({"tags":[{"a":1,"b":2}]})");
}

TEST(ComposeUnion, WhereOneSideHasNoArrayMergePatchHasTheWord) {
  const Rule rule = merging(Kind::union_of, "/m/tags");
  EXPECT_EQ(merged(rule, R"({"m":{"tags":[1]}})", R"({"x":1})"), R"({"m":{"tags":[1]},"x":1})");
  EXPECT_EQ(merged(rule, R"({"x":1})", R"({"m":{"tags":[1]}})"), R"({"x":1,"m":{"tags":[1]}})");
  EXPECT_EQ(merged(rule, R"({"m":5})", R"({"m":{"tags":[1]}})"), R"({"m":{"tags":[1]}})");
  EXPECT_EQ(merged(rule, R"({"m":{"tags":[1]}})", R"({"m":5})"), R"({"m":5})");
  EXPECT_EQ(merged(rule, R"({"m":{"tags":[1]}})", R"({"m":{"tags":null}})"), R"({"m":{}})");
  EXPECT_EQ(merged(rule, R"({"m":{"tags":null}})", R"({"m":{"tags":[1]}})"),
            R"({"m":{"tags":[1]}})");
  EXPECT_EQ(merged(rule, R"({"m":{"tags":"x"}})", R"({"m":{"tags":[1]}})"),
            R"({"m":{"tags":[1]}})");
  EXPECT_EQ(merged(rule, R"({"m":{"tags":[1]}})", R"({"m":{"tags":[2],"y":1}})"),
            R"({"m":{"tags":[1,2],"y":1}})");
}

TEST(ComposeUnion, LargeArrays) {
  std::string first = "[", second = "[", want = "[";
  for (int i = 0; i < 20'000; ++i) {
    const std::string comma = i ? "," : "";
    first += comma + std::to_string(2 * i);
    second += comma + std::to_string(i);
    want += comma + std::to_string(2 * i);
  }
  for (int i = 1; i < 20'000; i += 2) want += "," + std::to_string(i);
  EXPECT_EQ(
      merged(merging(Kind::union_of, "/a"), "{\"a\":" + first + "]}", "{\"a\":" + second + "]}"),
      "{\"a\":" + want + "]}");
}

TEST(ComposeMinMax, ByTheTotalOrder) {
  const Rule min = merging(Kind::min, "/a"), max = merging(Kind::max, "/a");
  EXPECT_EQ(merged(min, R"({"a":9007199254740993})", R"({"a":9007199254740992})"),
            R"({"a":9007199254740992})");
  EXPECT_EQ(merged(max, R"({"a":9007199254740993})", R"({"a":9007199254740992})"),
            R"({"a":9007199254740993})");
  EXPECT_EQ(merged(max, R"({"a":1.0})", R"({"a":1})"), R"({"a":1.0})") << "equal: the first text";
  EXPECT_EQ(merged(min, R"({"a":"2024-01-02"})", R"({"a":"2024-01-01"})"), R"({"a":"2024-01-01"})");
  EXPECT_EQ(merged(max, R"({"a":5})", R"({"a":"1"})"), R"({"a":"1"})");
  EXPECT_EQ(merged(max, R"({"b":5})", R"({"a":1})"), R"({"b":5,"a":1})");
  EXPECT_EQ(merged(max, R"({"a":5})", R"({"b":1})"), R"({"a":5,"b":1})");
  EXPECT_EQ(merged(max, R"({"a":5})", R"({"a":null})"), "{}");
  EXPECT_EQ(merged(min, R"({"a":null})", R"({"a":5})"), R"({"a":5})");
}

TEST(ComposeMinMax, SeveralFragments) {
  Set set;
  for (const char* name : {"c", "a", "d", "b"}) {
    set.add(std::string(name) + ".json",
            "{\"v\":" + std::to_string(name[0] % 7) + ",\"t\":[\"" + name + "\"]}", [] {
              Rule rule;
              rule.merge = {{Kind::max, "/v"}, {Kind::union_of, "/t"}};
              return rule;
            }());
  }
  EXPECT_EQ(set.document(), R"({"v":6,"t":["a","b","c","d"]})");
  set.expect_pure();
}

TEST(ComposeAnchor, ExistsOnlyWithOne) {
  Rule anchor;
  anchor.anchor = true;
  Set orphans;
  orphans.add("b.json", R"({"b":1})").add("a.json", R"({"a":1})");
  const Composition none = compose(orphans.list(), true);
  EXPECT_FALSE(none.exists);
  EXPECT_EQ(none.document, "");
  EXPECT_EQ(none.order, (std::vector<std::size_t>{1, 0}));
  EXPECT_TRUE(compose(orphans.list(), false).exists);
  orphans.add("c.json", R"({"c":1})", anchor);
  EXPECT_EQ(orphans.document(true), R"({"a":1,"b":1,"c":1})");
}

// Pointer → "winner < shadowed…", each with its value; '-' before what was taken away.
std::map<std::string, std::string> origins_of(const Set& set) {
  std::map<std::string, std::string> found;
  for (const Origin& origin : origins(set.list())) {
    std::string& text = found[origin.pointer];
    text = origin.removed ? "-" : "";
    text += set.list()[origin.winner].name.path + "=" + origin.value + " <";
    for (const Opinion& opinion : origin.shadowed) {
      text += " " + set.list()[opinion.contribution].name.path + "=" + std::string(opinion.value);
    }
  }
  return found;
}
using Found = std::map<std::string, std::string>;

TEST(Origins, OfEachLeaf) {
  Set set;
  set.add("a", R"({"t":"x","o":{"p":1,"q~/":2},"l":[1],"e":{},"same":5,"n":1,"was":{"deep":1}})")
      .add("b", R"({"t":"y","o":{"p":3},"same":5.0,"n":null,"was":2})")
      .add("c", R"({"t":"z","l":[2],"n":4})");
  EXPECT_EQ(origins_of(set), (Found{{"/t", R"(c="z" < a="x" b="y")"},
                                    {"/o/p", "b=3 < a=1"},
                                    {"/o/q~0~1", "a=2 <"},
                                    {"/l", "c=[2] < a=[1]"},
                                    {"/e", "a={} <"},
                                    {"/same", "b=5.0 <"},
                                    {"/n", "c=4 < a=1 b=null"},
                                    {"/was", R"(b=2 < a={"deep":1})"}}));
}

TEST(Origins, OfStrategies) {
  Rule rule;
  rule.merge = {{Kind::union_of, "/t"}, {Kind::max, "/v"}};
  Set set;
  set.add("a", R"({"t":[1],"v":9})").add("b", R"({"t":[2,1],"v":3})", rule);
  EXPECT_EQ(origins_of(set), (Found{{"/t", "b=[1,2] <"}, {"/v", "a=9 < b=3"}}));
}

TEST(Origins, OfWhatWasTakenAway) {
  Set set;
  set.add("a", R"({"t":"x","o":{"p":1,"q":2},"deep":{"x":1,"y":[2]},"null":null})")
      .add("b", R"({"t":null,"o":{"p":null},"deep":null,"null":null,"nobody":null})");
  EXPECT_EQ(origins_of(set), (Found{{"/t", R"(-b=null < a="x")"},
                                    {"/o/p", "-b=null < a=1"},
                                    {"/o/q", "a=2 <"},
                                    {"/deep", R"(-b=null < a={"x":1,"y":[2]})"}}));
  set.add("c", R"({"deep":{"z":3}})");
  EXPECT_EQ(origins_of(set)["/deep/z"], "c=3 < b=null");
  EXPECT_EQ(origins_of(set)["/deep/x"], "-b=null < a=1");

  Rule silent;
  silent.ignore_nulls = true;
  Set ignoring;
  ignoring.add("a", R"({"t":"x"})").add("b", R"({"t":null})", silent);
  EXPECT_EQ(origins_of(ignoring), (Found{{"/t", R"(a="x" <)"}}));

  Set scalar_before;
  scalar_before.add("a", R"({"o":5})").add("b", R"({"o":{"c":1,"n":null}})");
  EXPECT_EQ(origins_of(scalar_before), (Found{{"/o/c", "b=1 < a=5"}}));
}

TEST(Origins, OfNothing) {
  EXPECT_TRUE(origins({}).empty());
  Set empty;
  empty.add("a", "{}");
  EXPECT_EQ(origins_of(empty), (Found{{"", "a={} <"}}));  // the document itself is the leaf
}

TEST(Origins, LeaveOutPlacesWithEndlessNames) {
  const std::string name(1001, 'n');
  Set set;
  set.add("a", R"({")" + name + R"(":{"x":1},"t":1})");
  EXPECT_EQ(origins_of(set), (Found{{"/t", "a=1 <"}}));
}

}  // namespace
}  // namespace jcn
