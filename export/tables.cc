#include "tables.h"

namespace jcn_export {
namespace {

std::string column_sql(const Column& column) {
  return column.affinity.empty() ? quoted(column.name)
                                 : quoted(column.name) + ' ' + column.affinity;
}

std::string index_sql(const std::string& index, const std::string& table,
                      const std::string& column) {
  return "CREATE INDEX " + quoted(index) + " ON " + quoted(table) + " (" + quoted(column) + ")";
}

std::string child_table_sql(const KindPlan& plan, const ChildTable& child) {
  std::string sql = "CREATE TABLE " + quoted(child.table) + " (\n  " + quoted(plan.parent) +
                    " TEXT NOT NULL REFERENCES " + quoted(plan.table) +
                    "(\"id\"),\n  \"position\" INTEGER NOT NULL";
  for (const Column& column : child.columns) sql += ",\n  " + column_sql(column);
  // Rows come in the order of this key, and are mostly asked for by it.
  return sql + ",\n  PRIMARY KEY (" + quoted(plan.parent) + ", \"position\")\n) WITHOUT ROWID";
}

}  // namespace

std::vector<std::string> standing_tables_sql() {
  return {
      R"(CREATE TABLE "_jcn" (
  "uuid" TEXT NOT NULL,
  "sequence" INTEGER NOT NULL,
  "time" TEXT NOT NULL,
  "version" TEXT NOT NULL,
  "schema_version" INTEGER NOT NULL,
  "selection" TEXT NOT NULL,
  "rules" TEXT NOT NULL
))",
      R"(CREATE TABLE "_columns" (
  "table" TEXT NOT NULL,
  "column" TEXT,
  "pointer" TEXT NOT NULL,
  "type" TEXT NOT NULL,
  "records" INTEGER NOT NULL,
  "placed" INTEGER NOT NULL
))",
      R"(CREATE TABLE "_shapes" (
  "kind" TEXT NOT NULL,
  "path" TEXT NOT NULL,
  "records" INTEGER NOT NULL,
  "forms" TEXT NOT NULL,
  PRIMARY KEY ("kind", "path")
) WITHOUT ROWID)",
      R"(CREATE TABLE "fragments" (
  "kind" TEXT NOT NULL,
  "id" TEXT NOT NULL,
  "position" INTEGER NOT NULL,
  "root" TEXT NOT NULL,
  "path" TEXT NOT NULL,
  "size" INTEGER NOT NULL,
  "mtime" TEXT NOT NULL,
  "status" TEXT NOT NULL,
  PRIMARY KEY ("kind", "id", "position")
) WITHOUT ROWID)",
      R"(CREATE TABLE "provenance" (
  "kind" TEXT NOT NULL,
  "id" TEXT NOT NULL,
  "pointer" TEXT NOT NULL,
  "position" INTEGER NOT NULL,
  "removed" INTEGER NOT NULL,
  "value" TEXT NOT NULL,
  "shadowed" TEXT NOT NULL,
  PRIMARY KEY ("kind", "id", "pointer"),
  FOREIGN KEY ("kind", "id", "position") REFERENCES "fragments"("kind", "id", "position")
) WITHOUT ROWID)",
      R"(CREATE TABLE "rejects" (
  "root" TEXT NOT NULL,
  "path" TEXT NOT NULL,
  "code" TEXT NOT NULL,
  "line" INTEGER,
  "column" INTEGER,
  "offset" INTEGER,
  "pointer" TEXT,
  "message" TEXT NOT NULL,
  "since" TEXT NOT NULL,
  "serving" TEXT
))",
  };
}

std::vector<std::string> standing_indexes_sql() {
  return {
      R"(CREATE INDEX "idx_fragments_path" ON "fragments" ("root", "path"))",
      R"(CREATE INDEX "idx_rejects_path" ON "rejects" ("root", "path"))",
      R"(CREATE VIEW "_kinds" AS
  SELECT "kind", "records" FROM "_shapes" WHERE "path" = '')",
      R"(CREATE VIEW "_reject_codes" AS
  SELECT "code", count(*) AS "files", min("since") AS "oldest" FROM "rejects"
  GROUP BY "code" ORDER BY "files" DESC, "code")",
      R"(CREATE VIEW "_conflicts" AS
  SELECT p."kind", p."id", p."pointer", p."value", f."root", f."path", p."shadowed"
  FROM "provenance" AS p JOIN "fragments" AS f USING ("kind", "id", "position")
  WHERE p."shadowed" <> '[]')",
  };
}

std::vector<std::string> kind_tables_sql(const KindPlan& plan) {
  std::string sql = "CREATE TABLE " + quoted(plan.table) +
                    " (\n  \"id\" TEXT NOT NULL PRIMARY KEY,\n  \"_rev\" TEXT NOT NULL,\n  "
                    "\"_created\" TEXT NOT NULL,\n  \"_updated\" TEXT NOT NULL";
  for (const Column& column : plan.columns) sql += ",\n  " + column_sql(column);
  std::vector<std::string> statements = {sql + ",\n  \"_doc\" TEXT NOT NULL\n)"};
  for (const ChildTable& child : plan.children) statements.push_back(child_table_sql(plan, child));
  return statements;
}

std::vector<std::string> kind_indexes_sql(const KindPlan& plan) {
  std::vector<std::string> statements;
  const auto add = [&](const std::string& table, const std::vector<Column>& columns) {
    for (const Column& column : columns) {
      if (!column.index.empty()) statements.push_back(index_sql(column.index, table, column.name));
    }
  };
  add(plan.table, plan.columns);
  for (const ChildTable& child : plan.children) add(child.table, child.columns);
  return statements;
}

// The name of the table that it is about stands in double quotes: sqlite-utils and Datasette look
// for that text. The rows' texts stay in that table (external content).
std::string search_table_sql(const KindPlan& plan) {
  if (plan.search_table.empty()) return {};
  std::string sql = "CREATE VIRTUAL TABLE " + quoted(plan.search_table) + " USING FTS5 (\n";
  for (const Column& column : plan.columns) {
    if (column.searched) sql += "  " + quoted(column.name) + ",\n";
  }
  return sql + "  tokenize='unicode61 remove_diacritics 2',\n  content=" + quoted(plan.table) +
         "\n)";
}

// FTS5 writes a piece of its index each time that it holds so many bytes, and merges the pieces
// again and again: few large ones take less time. At the end they become one, which stands above
// the small ones that later changes make, so that these merge among themselves. The setting is gone
// when it is done.
std::vector<std::string> fill_search_sql(const KindPlan& plan) {
  const std::string search = quoted(plan.search_table);
  const std::string tell = "INSERT INTO " + search + " (" + search;
  return {tell + ", rank) VALUES ('hashsize', 67108864)", tell + ") VALUES ('rebuild')",
          tell + ") VALUES ('optimize')", tell + ", rank) VALUES ('hashsize', 1048576)",
          "DELETE FROM " + quoted(plan.search_table + "_config") + " WHERE k = 'hashsize'"};
}

std::vector<std::string> drop_kind_sql(const KindPlan& plan) {
  std::vector<std::string> statements;
  if (!plan.search_table.empty()) statements.push_back("DROP TABLE " + quoted(plan.search_table));
  for (const ChildTable& child : plan.children) {
    statements.push_back("DROP TABLE " + quoted(child.table));
  }
  statements.push_back("DROP TABLE " + quoted(plan.table));
  return statements;
}

IndexChanges index_changes_sql(const KindPlan& before, const KindPlan& after) {
  IndexChanges changes;
  const auto compare = [&](const std::string& table, const std::vector<Column>& was,
                           const std::vector<Column>& is) {
    for (std::size_t i = 0; i < is.size(); ++i) {
      if (was[i].index == is[i].index) continue;
      if (!was[i].index.empty()) changes.drop.push_back("DROP INDEX " + quoted(was[i].index));
      if (!is[i].index.empty()) {
        changes.create.push_back(index_sql(is[i].index, table, is[i].name));
      }
    }
  };
  compare(after.table, before.columns, after.columns);
  for (std::size_t i = 0; i < after.children.size(); ++i) {
    compare(after.children[i].table, before.children[i].columns, after.children[i].columns);
  }
  return changes;
}

std::string insert_sql(const std::string& table, std::size_t columns) {
  std::string sql = "INSERT INTO " + quoted(table) + " VALUES (";
  for (std::size_t i = 0; i < columns; ++i) sql += i == 0 ? "?" : ",?";
  return sql + ')';
}

std::string insert_record_sql(const KindPlan& plan) {
  return insert_sql(plan.table, plan.columns.size() + 5);
}

std::string insert_child_sql(const ChildTable& child) {
  return insert_sql(child.table, child.columns.size() + 2);
}

}  // namespace jcn_export
