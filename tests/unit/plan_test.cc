#include "plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jcn_export {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Shapes shapes_of(const std::vector<std::string>& documents) {
  Shapes shapes;
  for (const std::string& document : documents) shapes.add(document);
  return shapes;
}

Plan plan_of(const std::vector<std::string>& documents) {
  ShapesByKind shapes;
  shapes["videos"] = shapes_of(documents);
  return plan_tables(shapes, {});
}

std::vector<std::string> named(const std::vector<Column>& columns) {
  std::vector<std::string> names;
  for (const Column& column : columns) {
    names.push_back(column.affinity.empty() ? column.name : column.name + ' ' + column.affinity);
  }
  return names;
}

std::vector<std::string> columns_of(const std::vector<std::string>& documents) {
  return named(plan_of(documents).kinds.at(0).columns);
}

TEST(Plan, ColumnsAreTypedAndStandInTheOrderOfTheirPaths) {
  EXPECT_THAT(columns_of({R"({"title":"x","media":{"height":720,"fps":29.97},"live":true})"}),
              ElementsAre("live INTEGER", "media_fps REAL", "media_height INTEGER", "title TEXT"));
}

TEST(Plan, WhatWouldBeChangedByATypeHasNone) {
  EXPECT_THAT(columns_of({R"({"n":1})", R"({"n":1.5})"}), ElementsAre("n REAL"));
  EXPECT_THAT(columns_of({R"({"n":9007199254740993})", R"({"n":1.5})"}), ElementsAre("n"));
  EXPECT_THAT(columns_of({R"({"n":1})", R"({"n":18446744073709551616})"}), ElementsAre("n"));
  EXPECT_THAT(columns_of({R"({"n":1})", R"({"n":"1"})"}), ElementsAre("n"));
  EXPECT_THAT(columns_of({R"({"n":null})"}), ElementsAre("n"));
  EXPECT_THAT(columns_of({R"({"n":null})", R"({"n":3})"}), ElementsAre("n INTEGER"));
}

TEST(Plan, ScalarsInArraysAreAJsonColumnAndAChildTable) {
  const KindPlan plan = plan_of({R"({"tags":["a","b"]})"}).kinds.at(0);
  EXPECT_THAT(named(plan.columns), ElementsAre("tags TEXT"));
  ASSERT_EQ(plan.children.size(), 1u);
  EXPECT_EQ(plan.children[0].table, "videos_tags");
  EXPECT_EQ(plan.parent, "video_id");
  EXPECT_THAT(named(plan.children[0].columns), ElementsAre("value TEXT"));
}

TEST(Plan, ObjectsInArraysAreAChildTableAlone) {
  const KindPlan plan =
      plan_of({R"({"f":[{"id":"x","http":{"a":1},"deep":[1]},{"id":2}]})"}).kinds.at(0);
  EXPECT_THAT(plan.columns, IsEmpty());
  ASSERT_EQ(plan.children.size(), 1u);
  EXPECT_THAT(named(plan.children[0].columns), ElementsAre("http_a INTEGER", "id"));
}

TEST(Plan, EmptyArraysAndArraysOfArraysHaveNoTable) {
  const KindPlan plan = plan_of({R"({"empty":[],"nested":[[1]]})"}).kinds.at(0);
  EXPECT_THAT(named(plan.columns), ElementsAre("empty TEXT"));
  EXPECT_THAT(plan.children, IsEmpty());
}

TEST(Plan, NamesThatCollideAreNumberedInTheOrderOfTheirPaths) {
  EXPECT_THAT(
      columns_of({R"({"id":1,"ID":2,"_rev":3,"rowid":4,"a":{"b":5},"a_b":6,"A-B":7,"order":8})"}),
      ElementsAre("A_B INTEGER", "ID_2 INTEGER", "_rev_2 INTEGER", "a_b_2 INTEGER", "a_b_3 INTEGER",
                  "id_3 INTEGER", "order_ INTEGER", "rowid_2 INTEGER"));
}

TEST(Plan, KindsHaveTheirNamesBeforeChildren) {
  ShapesByKind shapes;
  shapes["videos"] = shapes_of({R"({"tags":["a"],"fts":["b"]})"});
  shapes["videos_tags"] = shapes_of({R"({"n":1})"});
  shapes["sqlite_x"] = shapes_of({R"({"n":1})"});
  shapes["order"] = shapes_of({R"({"n":1})"});
  shapes["empty"] = Shapes();
  const Plan plan = plan_tables(shapes, {});
  ASSERT_EQ(plan.kinds.size(), 5u);
  EXPECT_EQ(plan.kinds[0].table, "empty");
  EXPECT_THAT(plan.kinds[0].columns, IsEmpty());
  EXPECT_EQ(plan.kinds[1].table, "order_");
  EXPECT_EQ(plan.kinds[2].table, "_sqlite_x");
  const KindPlan& videos = plan.kinds[3];
  EXPECT_EQ(videos.table, "videos");
  EXPECT_EQ(videos.search_table, "videos_fts");
  EXPECT_EQ(videos.children.at(0).table, "videos_fts_2");
  EXPECT_EQ(videos.children.at(1).table, "videos_tags_2");
  EXPECT_EQ(plan.kinds[4].table, "videos_tags");
}

TEST(Plan, OnlyTheMembersThatMostRecordsHaveBecomeColumns) {
  std::string many = "{\"zz\":0";
  for (int i = 0; i < 600; ++i) many += ",\"m" + std::to_string(i) + "\":1";
  const auto columns = columns_of({many + "}", R"({"zz":1})", R"({"m599":1})"});
  EXPECT_EQ(columns.size(), most_columns);
  EXPECT_EQ(columns.back(), "zz INTEGER");
  EXPECT_THAT(columns, testing::Contains("m599 INTEGER"));
  EXPECT_THAT(columns, testing::Not(testing::Contains("m598 INTEGER")));
}

TEST(Plan, OnlyTheArraysThatMostRecordsHaveBecomeTables) {
  std::string many = "{\"zz\":[{\"x\":1}]";
  for (int i = 0; i < 200; ++i) many += ",\"c" + std::to_string(i) + "\":[{\"url\":\"x\"}]";
  const KindPlan plan = plan_of({many + "}", R"({"zz":[{"x":1}]})"}).kinds.at(0);
  EXPECT_EQ(plan.children.size(), most_children);
  EXPECT_EQ(plan.children.back().table, "videos_zz");
}

TEST(Plan, TextIsSearchedAsTheRulesSay) {
  ShapesByKind shapes;
  shapes["videos"] = shapes_of({R"({"title":"x","url":"y","tags":["z"],"n":1,"rank":"first"})"});
  const auto searched = [](const Plan& plan) {
    std::vector<std::string> names;
    for (const Column& column : plan.kinds.at(0).columns) {
      if (column.searched) names.push_back(column.name);
    }
    return names;
  };
  EXPECT_THAT(searched(plan_tables(shapes, {})), ElementsAre("tags", "title", "url"));
  jcn::SearchScope scope;
  scope.excluded.insert("/url");
  EXPECT_THAT(searched(plan_tables(shapes, {{"videos", scope}})), ElementsAre("tags", "title"));
}

// FTS5 refuses to have a second column of its table's name, in whatever case.
TEST(Plan, TextOfTheFullTextTablesNameIsNotSearched) {
  const auto searched = [](const KindPlan& plan) {
    std::vector<std::string> names;
    for (const Column& column : plan.columns) {
      if (column.searched) names.push_back(column.name);
    }
    return names;
  };
  const std::string document =
      R"({"RANK":"a","VIDEOS_FTS":"b","my_fts":"c","title":"d","videos_fts_2":"e"})";
  ShapesByKind shapes;
  shapes["videos"] = shapes_of({document});
  EXPECT_THAT(searched(plan_tables(shapes, {}).kinds.at(0)),
              ElementsAre("my_fts", "title", "videos_fts_2"));
  shapes["videos_fts"] = shapes_of({R"({"n":1})"});
  const Plan plan = plan_tables(shapes, {});
  EXPECT_EQ(plan.kinds.at(0).search_table, "videos_fts_2");
  EXPECT_THAT(searched(plan.kinds.at(0)), ElementsAre("VIDEOS_FTS", "my_fts", "title"));
  // Nothing else to search: no table.
  EXPECT_EQ(plan_of({R"({"rank":"a","videos_fts":"b"})"}).kinds.at(0).search_table, "");
}

TEST(Plan, MostlyShortValuesAreIndexed) {
  const std::string text(200, 'x');
  const KindPlan plan =
      plan_of({R"({"n":1,"s":"short","t":")" + text + R"(","tags":["a"],"none":null})"})
          .kinds.at(0);
  std::vector<std::string> indexes;
  for (const Column& column : plan.columns) indexes.push_back(column.index);
  EXPECT_THAT(indexes, ElementsAre("idx_videos_n", "", "idx_videos_s", "", ""));
  EXPECT_EQ(plan.children.at(0).columns.at(0).index, "idx_videos_tags_value");
}

TEST(Plan, DoesNotDependOnTheOrderOfRecords) {
  const std::string a = R"({"b":1,"a":[{"x":1}]})", b = R"({"a":["y"],"b":"z","c":{}})";
  const auto text = [](const Plan& plan) {
    std::string all;
    for (const KindPlan& kind : plan.kinds) {
      for (const Column& column : kind.columns) all += column.name + column.affinity + column.index;
      for (const ChildTable& child : kind.children) {
        all += child.table;
        for (const Column& column : child.columns) all += column.name + column.affinity;
      }
    }
    return all;
  };
  EXPECT_EQ(text(plan_of({a, b})), text(plan_of({b, a})));
}

}  // namespace
}  // namespace jcn_export
