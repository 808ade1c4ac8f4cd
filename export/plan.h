// Plan: which tables and columns the records of an index become. A pure function of the shapes that
// the records have and of what is searched: the same records give the same tables, whatever way led
// to them. (doc/schema.md)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "jcn/search_scope.h"
#include "names.h"
#include "shapes.h"

namespace jcn_export {

inline constexpr std::size_t most_columns = 500;  // of a table, beside those that all have
inline constexpr std::size_t most_children = 50;  // child tables of a kind
inline constexpr std::size_t most_indexes = 8;    // of a kind's table

struct Column {
  std::string name;
  std::string affinity;  // TEXT, INTEGER, REAL; empty: each value keeps its own type
  NodeId node = 0;
  bool searched = false;  // in the kind's full-text table
  std::string index;      // name of its index; empty: none
  bool operator==(const Column&) const = default;
};

// A child table: the elements of one array, a row each.
struct ChildTable {
  std::string table;
  NodeId array = 0;             // the elements' parent
  std::vector<Column> columns;  // `value`, for elements that are scalars, is the first
  bool operator==(const ChildTable&) const = default;
};

struct KindPlan {
  std::string kind, table;
  std::string search_table;  // FTS5; empty: nothing to search
  std::string parent;        // the column of child tables that names the record
  std::vector<Column> columns;
  std::vector<ChildTable> children;  // by path
  bool operator==(const KindPlan&) const = default;
};

// Whether both have the same tables, whatever their indexes.
bool same_tables(const KindPlan& a, const KindPlan& b);

struct Plan {
  std::vector<KindPlan> kinds;  // by kind; those without records, too
  const KindPlan* kind(const std::string& name) const;
};

using ShapesByKind = std::map<std::string, Shapes>;
using ScopesByKind = std::map<std::string, jcn::SearchScope>;

// Kinds that `scopes` does not name are searched in all fields.
Plan plan_tables(const ShapesByKind& shapes, const ScopesByKind& scopes);

// The JSON types that a place's values have, as _columns shows them: "integer", "string, array".
std::string type_names(const Node& node);

}  // namespace jcn_export
