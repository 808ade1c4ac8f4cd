#include "plan.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "jcn/canonical.h"

namespace jcn_export {
namespace {

// Tables and views that every export has. Kinds never begin with '_'; three kinds are reserved
// words.
constexpr auto standing_tables =
    std::to_array<std::string_view>({"fragments", "provenance", "rejects", "_jcn", "_columns",
                                     "_shapes", "_kinds", "_conflicts", "_reject_codes"});
// Columns that every table of a kind has, and other names of SQLite's own for a row's number.
constexpr auto standing_columns = std::to_array<std::string_view>(
    {"id", "_rev", "_created", "_updated", "_doc", "rowid", "oid", "_rowid_"});
// The tables that FTS5 keeps beside its own.
constexpr auto shadows =
    std::to_array<std::string_view>({"_data", "_idx", "_content", "_docsize", "_config"});

// "speaker" of "speakers".
std::string parent_column(std::string_view table) {
  if (table.size() > 1 && table.ends_with('s')) table.remove_suffix(1);
  return std::string(table) + "_id";
}

// The steps from `above` to `node`, with '_' between.
std::string joined_names(const Shapes& shapes, NodeId above, NodeId node) {
  std::string joined;
  for (; node != above; node = shapes[node].parent) {
    std::string name = jcn::json_unquote(shapes[node].name);
    joined = joined.empty() ? name : name + '_' + joined;
  }
  return joined;
}

std::string affinity_of(const Node& node) {
  const bool text = node.has(Form::text) || node.has(Form::long_text) || node.has(Form::list);
  const bool real = node.has(Form::real);
  const bool whole = node.has(Form::integer) || node.has(Form::wide) || node.has(Form::boolean);
  if (node.has(Form::exact)) return "";
  if (text) return real || whole ? "" : "TEXT";
  // As a double, a wide integer would be another number, and a boolean is no number.
  if (real) return node.has(Form::wide) || node.has(Form::boolean) ? "" : "REAL";
  return whole ? "INTEGER" : "";
}

bool is_column(const Node& node) {
  return node.records > 0 && (node.has_scalar() || (node.has(Form::list) && !node.in_array));
}

// Mostly short values, of which many records may have the same.
bool worth_an_index(const Node& node) {
  const bool only_null = node.records == node.count(Form::null);
  const bool mostly_short = node.count(Form::long_text) * 20 <= node.records;
  return !only_null && mostly_short && !node.has(Form::list);
}

class KindPlanner {
 public:
  KindPlanner(const Shapes& shapes, const jcn::SearchScope& scope, NameSet& tables, KindPlan& plan)
      : shapes_(shapes), scope_(scope), tables_(tables), plan_(plan) {}

  // The columns of the kind's own table.
  void plan_columns() {
    std::vector<NodeId> nodes;
    std::vector<NodeId> arrays;
    for (NodeId node = 1; node < shapes_.size(); ++node) {
      const Node& its = shapes_[node];
      if (its.in_array) {
        // `arrays` have a row at least.
        const bool of_array = its.name.empty() && !shapes_[its.parent].in_array;
        if (of_array && (its.has_scalar() || its.has(Form::object))) arrays.push_back(node);
      } else if (is_column(its)) {
        nodes.push_back(node);
      }
    }
    NameSet names;
    for (const std::string_view name : standing_columns) names.take(name);
    plan_.columns = columns_of(Shapes::root, nodes, names);
    most_used(arrays, most_children);
    elements_ = std::move(arrays);
  }

  void plan_search() {
    const std::string name = free_search_table();
    NameSet taken;  // by FTS5, for columns of its own
    taken.take("rank");
    taken.take(name);
    bool any = false;
    for (Column& column : plan_.columns) {
      const Node& its = shapes_[column.node];
      const bool words = its.has(Form::text) || its.has(Form::long_text) || its.has(Form::list);
      column.searched =
          words && !taken.has(column.name) && scope_.covers(shapes_.path(column.node));
      any = any || column.searched;
    }
    if (!any) return;
    for (const std::string_view shadow : shadows) tables_.take(name + std::string(shadow));
    plan_.search_table = tables_.take(name);
  }

  void plan_children() {
    for (const NodeId elements : elements_) plan_.children.push_back(child(elements));
  }

  // Indexes have their names in one space with tables.
  void plan_indexes() {
    std::vector<NodeId> nodes;
    for (const Column& column : plan_.columns) {
      if (worth_an_index(shapes_[column.node])) nodes.push_back(column.node);
    }
    most_used(nodes, most_indexes);
    for (Column& column : plan_.columns) {
      if (std::find(nodes.begin(), nodes.end(), column.node) == nodes.end()) continue;
      column.index = tables_.take("idx_" + plan_.table + '_' + column.name);
    }
    for (ChildTable& child : plan_.children) {
      if (child.columns.empty()) continue;
      Column& value = child.columns.front();
      if (shapes_[value.node].name.empty() && worth_an_index(shapes_[value.node])) {
        value.index = tables_.take("idx_" + child.table + "_value");
      }
    }
  }

 private:
  // Leaves the `most` that most records have, in the order of their paths.
  void most_used(std::vector<NodeId>& nodes, std::size_t most) const {
    std::vector<std::tuple<std::uint64_t, std::string, NodeId>> ranked;
    for (const NodeId node : nodes) {
      ranked.emplace_back(~shapes_[node].records, shapes_.path(node), node);
    }
    std::sort(ranked.begin(), ranked.end());
    if (ranked.size() > most) ranked.resize(most);
    std::sort(ranked.begin(), ranked.end(),
              [](const auto& a, const auto& b) { return std::get<1>(a) < std::get<1>(b); });
    nodes.clear();
    for (const auto& [rank, path, node] : ranked) nodes.push_back(node);
  }

  // Names are given in the order of the paths: of two that want one, the lesser path has it.
  std::vector<Column> columns_of(NodeId above, std::vector<NodeId> nodes, NameSet& names) const {
    most_used(nodes, most_columns);
    std::vector<Column> columns;
    for (const NodeId node : nodes) {
      Column column;
      const bool value = node == above;
      column.name = names.take(value ? "value" : identifier(joined_names(shapes_, above, node)));
      column.affinity = affinity_of(shapes_[node]);
      column.node = node;
      columns.push_back(std::move(column));
    }
    return columns;
  }

  ChildTable child(NodeId elements) {
    ChildTable child;
    child.array = shapes_[elements].parent;
    child.table = tables_.take(
        identifier(plan_.table + '_' + joined_names(shapes_, Shapes::root, child.array)));
    std::vector<NodeId> nodes;
    for (NodeId node = elements; node < shapes_.size(); ++node) {
      if (is_column(shapes_[node]) && within(node, elements)) nodes.push_back(node);
    }
    NameSet names;
    for (const std::string_view name : {"position", "rowid", "oid", "_rowid_"}) names.take(name);
    names.take(plan_.parent);
    child.columns = columns_of(elements, std::move(nodes), names);
    return child;
  }

  // A name for the full-text table that leaves its shadows their names, too.
  std::string free_search_table() const {
    const auto free = [&](const std::string& name) {
      return !tables_.has(name) && std::none_of(shadows.begin(), shadows.end(), [&](auto shadow) {
        return tables_.has(name + std::string(shadow));
      });
    };
    const std::string wanted = plan_.table + "_fts";
    std::string name = wanted;
    for (std::size_t number = 2; !free(name); ++number) {
      name = wanted + '_' + std::to_string(number);
    }
    return name;
  }

  // Beneath it, with nothing but objects between.
  bool within(NodeId node, NodeId above) const {
    for (; node != above; node = shapes_[node].parent) {
      if (node == Shapes::root || shapes_[node].name.empty()) return false;
    }
    return true;
  }

  const Shapes& shapes_;
  const jcn::SearchScope& scope_;
  NameSet& tables_;
  KindPlan& plan_;
  std::vector<NodeId> elements_;  // of the arrays that become tables, by path
};

}  // namespace

bool same_tables(const KindPlan& a, const KindPlan& b) {
  const auto without_indexes = [](KindPlan plan) {
    for (Column& column : plan.columns) column.index.clear();
    for (ChildTable& child : plan.children) {
      for (Column& column : child.columns) column.index.clear();
    }
    return plan;
  };
  return without_indexes(a) == without_indexes(b);
}

const KindPlan* Plan::kind(const std::string& name) const {
  for (const KindPlan& plan : kinds) {
    if (plan.kind == name) return &plan;
  }
  return nullptr;
}

Plan plan_tables(const ShapesByKind& shapes, const ScopesByKind& scopes) {
  static const jcn::SearchScope everything;
  NameSet tables;
  for (const std::string_view name : standing_tables) tables.take(name);
  Plan plan;
  for (const auto& [kind, its] : shapes) {
    KindPlan& made = plan.kinds.emplace_back();
    made.kind = kind;
    // SQLite keeps sqlite_ for itself.
    const std::string name = identifier(kind);
    made.table = tables.take(name.starts_with("sqlite_") ? '_' + name : name);
    made.parent = parent_column(made.table);
  }
  // All kinds have their names before any child, and so on: another child never renames a kind.
  std::vector<KindPlanner> planners;
  for (KindPlan& made : plan.kinds) {
    const auto scope = scopes.find(made.kind);
    planners.emplace_back(shapes.at(made.kind), scope == scopes.end() ? everything : scope->second,
                          tables, made);
  }
  for (KindPlanner& planner : planners) planner.plan_columns();
  for (KindPlanner& planner : planners) planner.plan_search();
  for (KindPlanner& planner : planners) planner.plan_children();
  for (KindPlanner& planner : planners) planner.plan_indexes();
  return plan;
}

std::string type_names(const Node& node) {
  const std::pair<bool, const char*> types[] = {
      {node.has(Form::boolean), "boolean"},
      {node.has(Form::integer) || node.has(Form::wide), "integer"},
      {node.has(Form::real), "number"},
      {node.has(Form::exact), "exact number"},
      {node.has(Form::text) || node.has(Form::long_text), "string"},
      {node.has(Form::list) || node.has(Form::rows), "array"},
      {node.has(Form::object), "object"},
  };
  std::string names;
  for (const auto& [has, name] : types) {
    if (!has) continue;
    if (!names.empty()) names += ", ";
    names += name;
  }
  return names.empty() ? "null" : names;
}

}  // namespace jcn_export
