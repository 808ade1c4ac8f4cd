// Tables: the SQL of a planned file: what makes its tables, indexes and views. (doc/schema.md)
#pragma once

#include <string>
#include <vector>

#include "plan.h"

namespace jcn_export {

// What marks a file as one of ours: SQLite's application_id ("jcn" and a 1), and the version of the
// tables that a file has.
inline constexpr std::int32_t application_id = 0x6a636e31;
inline constexpr std::int32_t schema_version = 1;

// Statements, each whole. Tables before what refers to them.
std::vector<std::string> standing_tables_sql();   // those that every file has
std::vector<std::string> standing_indexes_sql();  // and their indexes and views
std::vector<std::string> kind_tables_sql(const KindPlan& plan);
std::vector<std::string> kind_indexes_sql(const KindPlan& plan);
// Makes the full-text table; rows come by 'rebuild', or one by one. Empty: nothing is searched.
std::string search_table_sql(const KindPlan& plan);

// Fills that table from the kind's own, at once.
std::vector<std::string> fill_search_sql(const KindPlan& plan);
// Those that drop all of a kind's tables.
std::vector<std::string> drop_kind_sql(const KindPlan& plan);
// What takes the indexes of `before` to those of `after`, which has the same tables otherwise: what
// drops comes first, so that the statements of several kinds can be run one half after the other.
struct IndexChanges {
  std::vector<std::string> drop, create;
};
IndexChanges index_changes_sql(const KindPlan& before, const KindPlan& after);

// INSERT INTO the kind's table: id, _rev, _created, _updated, the columns, _doc.
std::string insert_record_sql(const KindPlan& plan);
// INSERT INTO a child table: the record's id, position, the columns.
std::string insert_child_sql(const ChildTable& child);
// "INSERT INTO t VALUES (?,?,?)"
std::string insert_sql(const std::string& table, std::size_t columns);

}  // namespace jcn_export
