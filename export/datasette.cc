#include "datasette.h"

#include <filesystem>
#include <map>

#include "jcn/canonical.h"
#include "names.h"

namespace jcn_export {
namespace {

using jcn::Result;

// A column with more values than that is no facet: a list of them tells nobody anything. Nor does
// one in which hardly any value comes twice.
constexpr int most_facet_values = 200;

struct ColumnNote {
  std::string name, type, text;
};

// One table, as Datasette is told of it.
struct TableNote {
  std::string description;
  std::vector<ColumnNote> columns;
  std::vector<std::string> facets;  // JSON texts
};

Result<std::map<std::string, TableNote>> tables_with_members(Database& file) {
  std::map<std::string, TableNote> tables;
  JCN_TRY(Statement row, file.prepare(R"(SELECT "table", "column", "type", "pointer", "records"
                                         FROM "_columns" WHERE "column" IS NOT NULL)"));
  for (;;) {
    JCN_TRY(const bool more, row.step());
    if (!more) return tables;
    TableNote& table = tables[std::string(row.text(0))];
    const std::string type(row.text(2)), pointer(row.text(3));
    const bool child = pointer.find("/~*") != std::string::npos;
    table.description =
        child ? "Elements of " + pointer.substr(0, pointer.find("/~*")) + ", a row each"
              : "Records, a row each; the whole of one is in _doc";
    table.columns.push_back(
        {std::string(row.text(1)), type,
         pointer + ": " + type + ", in " + std::string(row.text(4)) + " records"});
  }
}

Result<bool> has_few_values(Database& file, const std::string& table, const std::string& column) {
  // Named whole: <filesystem> brings std::quoted, which is found by its argument.
  const std::string name = jcn_export::quoted(column), from = " FROM " + jcn_export::quoted(table);
  JCN_TRY(Statement row,
          file.prepare("SELECT (SELECT count(*) FROM (SELECT DISTINCT " + name + from + " WHERE " +
                       name + " IS NOT NULL LIMIT " + std::to_string(most_facet_values + 1) +
                       ")), count(" + name + ")" + from));
  JCN_TRY([[maybe_unused]] const bool there, row.step());
  const std::int64_t values = row.integer(0), rows = row.integer(1);
  return values > 1 && values <= most_facet_values && values * 2 <= rows;
}

Result<bool> has_index(Database& file, const std::string& table, const std::string& column) {
  JCN_TRY(Statement row, file.prepare("SELECT 1 FROM pragma_index_list(?) AS l JOIN "
                                      "pragma_index_info(l.name) AS i WHERE l.origin = 'c' AND "
                                      "i.name = ?"));
  row.bind(1, table);
  row.bind(2, column);
  JCN_TRY(const bool found, row.step());
  return found;
}

// Values of child tables are facets of the record's own table, too: Datasette reads JSON arrays.
Result<void> find_facets(Database& file, const std::string& name, TableNote& table) {
  for (const ColumnNote& column : table.columns) {
    if (column.type == "array") {
      table.facets.push_back("{\"array\":" + jcn::json_quote(column.name) + "}");
      continue;
    }
    JCN_TRY(const bool indexed, has_index(file, name, column.name));
    if (!indexed) continue;
    JCN_TRY(const bool few, has_few_values(file, name, column.name));
    if (few) table.facets.push_back(jcn::json_quote(column.name));
  }
  return {};
}

void append_key(std::string& json, std::string_view name) {
  if (!json.ends_with('{')) json += ',';
  jcn::json_quote_onto(json, name);
  json += ':';
}

std::string table_json(const TableNote& table) {
  std::string json = "{";
  append_key(json, "description");
  jcn::json_quote_onto(json, table.description);
  for (const ColumnNote& column : table.columns) {
    if (column.name != "title" && column.name != "name") continue;
    append_key(json, "label_column");
    jcn::json_quote_onto(json, column.name);
    break;
  }
  if (!table.facets.empty()) {
    append_key(json, "facets");
    json += '[';
    for (const std::string& facet : table.facets) json += (json.ends_with('[') ? "" : ",") + facet;
    json += ']';
  }
  append_key(json, "columns");
  json += '{';
  for (const ColumnNote& column : table.columns) {
    append_key(json, column.name);
    jcn::json_quote_onto(json, column.text);
  }
  return json + "}}";
}

}  // namespace

Result<std::string> datasette_metadata(Database& file, const std::string& path) {
  JCN_TRY(auto tables, tables_with_members(file));
  for (auto& [name, table] : tables) JCN_CHECK(find_facets(file, name, table));
  JCN_TRY(const auto state, file.value(R"(SELECT "uuid" || '-' || "sequence" || ', ' || "time"
                                          FROM "_jcn")"));
  std::string json = "{";
  append_key(json, "databases");
  json += '{';
  append_key(json, std::filesystem::path(path).stem().string());
  json += '{';
  append_key(json, "description");
  jcn::json_quote_onto(json, "A snapshot by jcn-export: state " + state.value_or(""));
  append_key(json, "tables");
  json += '{';
  for (const auto& [name, table] : tables) {
    append_key(json, name);
    json += table_json(table);
  }
  constexpr std::pair<const char*, const char*> standing[] = {
      {"fragments", "Files that records are made of"},
      {"provenance", "Which file each place of a record comes from, where it has several"},
      {"rejects", "Files that fail a check"},
      {"_columns", "Where each member is to be found"}};
  for (const auto& [name, description] : standing) {
    append_key(json, name);
    json += "{\"description\":" + jcn::json_quote(description) + "}";
  }
  append_key(json, "_shapes");
  return json + "{\"hidden\":true}}}}}\n";
}

}  // namespace jcn_export
