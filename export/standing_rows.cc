#include "standing_rows.h"

#include <unordered_map>

#include "jcn/canonical.h"
#include "jcn/compose.h"
#include "jcn/contributions.h"
#include "jcn/time_text.h"
#include "jcn/wall_clock.h"
#include "tables.h"

namespace jcn_export {
namespace {

using jcn::Result;

// Path bytes as HTTP shows them: what is no UTF-8 as \xNN.
std::string shown_path(std::string_view path) {
  return jcn::json_unquote(jcn::json_quote_bytes(path));
}

void append_member(std::string& json, const char* name, const std::string& value) {
  json += json.ends_with('{') ? "\"" : ",\"";
  json += name;
  json += "\":";
  json += value;
}

std::string shadowed_json(const jcn::Origin& origin,
                          const std::vector<jcn::Contribution>& contributions) {
  std::string json = "[";
  for (const jcn::Opinion& opinion : origin.shadowed) {
    const jcn::FragmentName& name = contributions[opinion.contribution].name;
    json += json.size() == 1 ? "{" : ",{";
    append_member(json, "root", jcn::json_quote(name.root));
    append_member(json, "path", jcn::json_quote_bytes(name.path));
    append_member(json, "value", std::string(opinion.value));
    json += '}';
  }
  return json + ']';
}

void bind_number(Statement& row, int parameter, const std::optional<std::uint64_t>& number) {
  if (number) row.bind(parameter, static_cast<std::int64_t>(*number));
}

// Where each placed node of a kind went.
struct Placed {
  const std::string* table;
  const std::string* column;
};
using PlacedNodes = std::unordered_map<NodeId, Placed>;

PlacedNodes placed_nodes(const KindPlan& plan) {
  PlacedNodes placed;
  for (const Column& column : plan.columns) placed[column.node] = {&plan.table, &column.name};
  for (const ChildTable& child : plan.children) {
    for (const Column& column : child.columns) placed[column.node] = {&child.table, &column.name};
  }
  return placed;
}

// Whether the values of a node are all to be found in columns: not those of the node itself alone,
// but also the elements of its arrays.
bool is_leaf(const Node& node) {
  return node.records > 0 && (node.has_scalar() || node.has(Form::list) || node.has(Form::rows));
}

}  // namespace

Result<SourceRows> SourceRows::make(Database& file, const Source& source) {
  JCN_TRY(Statement fragments, file.prepare(insert_sql("fragments", 8)));
  JCN_TRY(Statement provenance, file.prepare(insert_sql("provenance", 7)));
  return SourceRows(source, std::move(fragments), std::move(provenance));
}

Result<void> SourceRows::insert(const jcn::Record& record) {
  std::int64_t position = 0;
  for (const jcn::FragmentInfo& fragment : record.fragments) {
    const std::string path = shown_path(fragment.name.path);
    const std::string mtime = jcn::rfc3339(fragment.mtime_ns);
    fragments_.bind(1, record.key.kind);
    fragments_.bind(2, record.key.id);
    fragments_.bind(3, position++);
    fragments_.bind(4, fragment.name.root);
    fragments_.bind(5, path);
    fragments_.bind(6, static_cast<std::int64_t>(fragment.size));
    fragments_.bind(7, mtime);
    fragments_.bind(8, !record.exists ? "orphan" : fragment.last_good ? "last-good" : "indexed");
    JCN_CHECK(fragments_.run());
  }
  // Everything in a record of one fragment comes from that one.
  if (!record.exists || record.fragments.size() < 2) return {};
  return insert_provenance(record);
}

Result<void> SourceRows::insert_provenance(const jcn::Record& record) {
  JCN_TRY(const jcn::RecordContributions contributions,
          jcn::read_contributions(source_->snapshot, source_->rules, record));
  for (const jcn::Origin& origin : jcn::origins(contributions.list)) {
    const std::string shadowed = shadowed_json(origin, contributions.list);
    provenance_.bind(1, record.key.kind);
    provenance_.bind(2, record.key.id);
    provenance_.bind(3, origin.pointer);
    provenance_.bind(4, static_cast<std::int64_t>(origin.winner));  // in composition order
    provenance_.bind(5, std::int64_t{origin.removed});
    provenance_.bind(6, origin.value);
    provenance_.bind(7, shadowed);
    JCN_CHECK(provenance_.run());
  }
  return {};
}

Result<std::uint64_t> insert_rejects(Database& file, const jcn::Snapshot& snapshot) {
  JCN_TRY(Statement row, file.prepare(insert_sql("rejects", 10)));
  std::uint64_t count = 0;
  Result<void> inserted;
  const auto insert = [&](const jcn::FragmentName& name, const jcn::FileRow& rejected) {
    const jcn::Reject& reject = *rejected.reject;
    const std::string path = shown_path(name.path), since = jcn::rfc3339(rejected.since_ns);
    row.clear();
    row.bind(1, name.root);
    row.bind(2, path);
    row.bind(3, jcn::code_name(reject.code));
    bind_number(row, 4, reject.line);
    bind_number(row, 5, reject.column);
    bind_number(row, 6, reject.offset);
    if (reject.pointer) row.bind(7, *reject.pointer);
    row.bind(8, reject.message);
    row.bind(9, since);
    if (rejected.serving_last_good()) row.bind(10, "last-good");
    inserted = row.run();
    ++count;
    return inserted.ok();
  };
  JCN_CHECK(snapshot.for_each_reject({}, insert));
  JCN_CHECK(std::move(inserted));
  return count;
}

Result<void> insert_columns(Database& file, const Plan& plan, const ShapesByKind& all) {
  JCN_TRY(Statement row, file.prepare(insert_sql("_columns", 6)));
  for (const KindPlan& kind : plan.kinds) {
    const Shapes& shapes = all.at(kind.kind);
    const PlacedNodes placed = placed_nodes(kind);
    std::map<std::string, NodeId> leaves;  // by path
    for (NodeId node = 1; node < shapes.size(); ++node) {
      if (is_leaf(shapes[node])) leaves.emplace(shapes.path(node), node);
    }
    std::unordered_map<NodeId, const std::string*> child_tables;
    for (const ChildTable& child : kind.children) child_tables[child.array] = &child.table;
    for (const auto& [path, node] : leaves) {
      const auto place = placed.find(node);
      const auto child = child_tables.find(node);
      const std::string type = type_names(shapes[node]);
      row.clear();
      row.bind(1, place != placed.end()         ? *place->second.table
                  : child != child_tables.end() ? *child->second
                                                : kind.table);
      if (place != placed.end()) row.bind(2, *place->second.column);
      row.bind(3, path);
      row.bind(4, type);
      row.bind(5, static_cast<std::int64_t>(shapes[node].records));
      row.bind(6, std::int64_t{place != placed.end() || child != child_tables.end()});
      JCN_CHECK(row.run());
    }
  }
  return {};
}

std::string rules_mark(const jcn::Snapshot& snapshot) {
  return jcn::hash128(snapshot.note("rules").value_or("")).hex();
}

Result<void> insert_head(Database& file, const Source& source) {
  JCN_TRY(Statement row, file.prepare(insert_sql("_jcn", 7)));
  const std::string uuid = source.snapshot.uuid();
  const std::string time = jcn::rfc3339(jcn::wall_clock_ns());
  const std::string selection = source.selection.text();
  const std::string rules = rules_mark(source.snapshot);
  row.bind(1, uuid);
  row.bind(2, static_cast<std::int64_t>(source.snapshot.seq()));
  row.bind(3, time);
  row.bind(4, JCN_VERSION);
  row.bind(5, std::int64_t{schema_version});
  row.bind(6, selection);
  row.bind(7, rules);
  return row.run();
}

}  // namespace jcn_export
