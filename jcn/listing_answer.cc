#include "listing_answer.h"

#include <algorithm>

#include "jcn/canonical.h"
#include "jcn/time_text.h"
#include "json_writer.h"
#include "page_token.h"

namespace jcn {
namespace {

// _id, _created and _updated are no members; a pointer may name a member that is called so.
std::vector<std::string> member_columns(std::vector<std::string> columns) {
  std::erase_if(columns, [](const std::string& column) {
    return column == "_id" || column == "_created" || column == "_updated" || column == "_since";
  });
  return columns;
}

void append_rows(std::string& out, const ListingRequest& asked, const ListingAnswer& answer,
                 std::string_view between, std::string_view behind) {
  const RowWriter writer(asked);
  bool first = true;
  for (const Record& record : answer.found.rows) {
    if (!first) out += between;
    first = false;
    writer.append(out, record);
    out += behind;
  }
}

void write_facets(JsonWriter& json, const Query& query, const QueryAnswer& found) {
  json.key("facet_results").open('{');
  for (std::size_t i = 0; i < query.facets.size() && i < found.facets.size(); ++i) {
    json.key(query.facets[i].text).open('{').key("results").open('[');
    for (const FacetValue& value : found.facets[i].values)
      json.open('{').key("value").raw(value.value).key("count").number(value.count).close('}');
    json.close(']').key("truncated").boolean(found.facets[i].truncated).close('}');
  }
  json.close('}');
}

void write_fields(JsonWriter& json, const FieldList& list) {
  json.key("fields").open('[');
  for (const FieldSummary& field : list.fields) {
    json.open('{').key("name").string(field.name).key("records").number(field.records);
    json.key("types").open('{');
    for (const auto& [type, records] : field.types) json.key(type).number(records);
    json.close('}').close('}');
  }
  json.close(']').key("fields_truncated").boolean(list.truncated);
}

void write_texts(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  json.key(key).open('[');
  for (const std::string& text : texts) json.string(text);
  json.close(']');
}

std::string object_text(const ListingRequest& asked, const ListingAnswer& answer,
                        const std::string& seq, const std::string& next_url) {
  std::string out;
  std::size_t documents = 0;
  for (const Record& record : answer.found.rows) documents += record.document.size() + 64;
  out.reserve(documents + 512);
  JsonWriter json(out);
  json.open('{').key("ok").boolean(true).key("rows").open('[');
  append_rows(out, asked, answer, ",", "");
  json.close(']');
  if (answer.next) {
    json.key("next").string(*answer.next).key("next_url").string(next_url);
  } else {
    json.key("next").null().key("next_url").null();
  }
  json.key("seq").string(seq);
  write_texts(json, "unknown_fields", answer.found.unknown_fields);
  if (answer.found.count) json.key("count").number(*answer.found.count);
  if (!asked.query.facets.empty()) write_facets(json, asked.query, answer.found);
  if (asked.query.plan) write_texts(json, "plan", answer.found.plan);
  if (asked.fields) write_fields(json, answer.fields);
  json.close('}');
  return out;
}

}  // namespace

Result<ListingAnswer> answer_listing(const Snapshot& snapshot, const ListingRequest& asked) {
  ListingAnswer answer;
  JCN_TRY(answer.found, run_query(snapshot, asked.query));
  if (asked.fields) {
    JCN_TRY(answer.fields,
            list_fields(snapshot, asked.query.kind, asked.query.deadline, asked.query.page_bytes));
  }
  // A page without rows has no end from which to go on.
  if (answer.found.next && asked.query.size > 0)
    answer.next = query_token(asked.walk, *answer.found.next);
  return answer;
}

RowWriter::RowWriter(const ListingRequest& asked) {
  if (!asked.projected) return;
  const auto has = [&](std::string_view name) {
    return std::find(asked.columns.begin(), asked.columns.end(), name) != asked.columns.end();
  };
  created_ = has("_created");
  updated_ = has("_updated");
  since_ = has("_since");
  projection_.emplace(member_columns(asked.columns));
}

void RowWriter::append(std::string& out, const Record& record) const {
  out += "{\"_id\":";
  json_quote_onto(out, record.key.id);
  if (created_) out += ",\"_created\":\"" + rfc3339(record.created_ns()) + '"';
  if (updated_) out += ",\"_updated\":\"" + rfc3339(record.updated_ns()) + '"';
  const bool since = since_ && record.since_ns.has_value();
  if (since) out += ",\"_since\":\"" + rfc3339(*record.since_ns) + '"';
  const std::string projected = projection_ ? projection_->of(record.document) : std::string();
  const std::string_view document = projection_ ? std::string_view(projected) : record.document;
  // Members that give way are rare: a plain search is cheaper than walking every document.
  if (document.find("\"_id\"") == std::string_view::npos && !created_ && !updated_ && !since) {
    if (document.size() > 2) {
      out += ',';
      out += document.substr(1);  // its closing brace ends the row
    } else {
      out += '}';
    }
    return;
  }
  for (JsonCursor member(document); member.next();) {
    const std::string_view name = member.name();
    if (name == "\"_id\"" || (created_ && name == "\"_created\"") ||
        (updated_ && name == "\"_updated\"") || (since_ && name == "\"_since\""))
      continue;
    out += ',';
    out += name;
    out += ':';
    out += member.value();
  }
  out += '}';
}

std::string listing_text(const ListingRequest& asked, const ListingAnswer& answer,
                         const std::string& seq, const std::string& next_url) {
  if (asked.shape == RowShape::object) return object_text(asked, answer, seq, next_url);
  std::string out;
  if (asked.shape == RowShape::lines) {
    append_rows(out, asked, answer, "", "\n");
  } else {
    out += '[';
    append_rows(out, asked, answer, ",", "");
    out += ']';
  }
  return out;
}

}  // namespace jcn
