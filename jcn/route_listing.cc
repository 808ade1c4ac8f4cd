// GET /v1/{kind}
#include <algorithm>

#include "jcn/canonical.h"
#include "json_writer.h"
#include "page_token.h"
#include "routes.h"
#include "time_text.h"

namespace jcn {
namespace {

constexpr std::uint64_t default_size = 100, largest_size = 1000;  // rows
constexpr std::size_t largest_page = 8 << 20;                     // bytes

constexpr std::string_view no_filters_yet =
    "A listing takes _size, _next, _col and _id. Filters, sorting, search and facets are not part "
    "of "
    "this version.";

bool is_computed(std::string_view field) {
  return field == "_id" || field == "_created" || field == "_updated";
}

// A dotted name walks objects; a leading '/' is a JSON Pointer.
bool has_field(std::string_view document, std::string_view field) {
  if (!field.empty() && field.front() == '/') return json_at(document, field).has_value();
  std::string_view value = document;
  for (;;) {
    if (json_type(value) != JsonType::object) return false;
    const std::size_t dot = field.find('.');
    const auto member = json_member(value, field.substr(0, dot));
    if (!member) return false;
    if (dot == std::string_view::npos) return true;
    value = *member;
    field.remove_prefix(dot + 1);
  }
}

// The fields of `_col`, and which of them some row of the page had.
struct Projection {
  bool wanted = false;
  bool created = false, updated = false;
  std::vector<std::string> fields;  // of the document
  std::vector<bool> seen;           // beside fields

  explicit Projection(const QueryParameters& parameters) : wanted(parameters.find("_col")) {
    for (std::string& field : parameters.list("_col")) {
      created |= field == "_created";
      updated |= field == "_updated";
      if (!is_computed(field) && std::find(fields.begin(), fields.end(), field) == fields.end())
        fields.push_back(std::move(field));
    }
    seen.resize(fields.size());
  }
  void look_at(std::string_view document) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (!seen[i]) seen[i] = has_field(document, fields[i]);
    }
  }
};

// The members of a row behind those that jcn computes itself, whose names give way to these.
void append_members(std::string& row, std::string_view document, const Projection& projection) {
  const auto gives_way = [&](std::string_view quoted) {
    return quoted == "\"_id\"" || (projection.created && quoted == "\"_created\"") ||
           (projection.updated && quoted == "\"_updated\"");
  };
  // Rare names: a plain search is cheaper than walking every document.
  if (document.find("\"_id\"") == std::string_view::npos && !projection.created &&
      !projection.updated) {
    if (document.size() > 2) {
      row += ',';
      row += document.substr(1, document.size() - 2);
    }
    return;
  }
  for (JsonCursor member(document); member.next();) {
    if (gives_way(member.name())) continue;
    row += ',';
    row += member.name();
    row += ':';
    row += member.value();
  }
}

std::string row_text(const Record& record, Projection& projection) {
  std::string row = "{\"_id\":";
  row.reserve(record.document.size() + record.key.id.size() + 32);
  json_quote_onto(row, record.key.id);
  if (projection.created) row += ",\"_created\":\"" + rfc3339(record.created_ns()) + '"';
  if (projection.updated) row += ",\"_updated\":\"" + rfc3339(record.updated_ns()) + '"';
  if (projection.wanted) {
    projection.look_at(record.document);
    append_members(row, json_project(record.document, projection.fields), projection);
  } else {
    append_members(row, record.document, projection);
  }
  row += '}';
  return row;
}

struct Page {
  std::string rows;  // separated by commas
  std::uint64_t count = 0;
  std::string last_id;
  bool more = false;
};

Result<Page> read_page(const Snapshot& snapshot, const RecordKey& after, std::uint64_t size,
                       Projection& projection) {
  Page page;
  if (size == 0) return page;
  JCN_CHECK(snapshot.for_each_record(after, [&](const Record& record) {
    if (!record.exists) return true;
    if (page.count == size) {
      page.more = true;
      return false;
    }
    const std::string row = row_text(record, projection);
    if (page.count > 0 && page.rows.size() + row.size() > largest_page) {
      page.more = true;
      return false;
    }
    if (page.count > 0) page.rows += ',';
    page.rows += row;
    page.last_id = record.key.id;
    ++page.count;
    return true;
  }));
  return page;
}

std::string next_url(const Call& call, const std::string& kind, const std::string& token) {
  std::string url = "/v1/" + kind + "?";
  for (const std::string_view name : {"_size", "_col"}) {
    if (const std::string* value = call.parameters.find(name))
      url += std::string(name) + '=' + percent_encode(*value) + '&';
  }
  return url + "_next=" + token;
}

}  // namespace

Result<Response> list_records(const Call& call, const std::string& kind) {
  JCN_CHECK(call.parameters.allow({"_size", "_next", "_col"}, no_filters_yet));
  JCN_TRY(const std::uint64_t size, call.parameters.number("_size", default_size, largest_size));
  RecordKey after{kind, {}};
  if (const std::string* token = call.parameters.find("_next")) {
    const auto place = read_page_token(kind, *token);
    if (!place)
      return Error{Code::bad_parameter, "The parameter '_next' is no token of this listing.",
                   "Take it from the answer's \"next\", or follow \"next_url\"."};
    after.id = place->second;
  }
  Projection projection(call.parameters);

  JCN_TRY(const Snapshot snapshot, call.service.snapshot());
  JCN_TRY(const Page page, read_page(snapshot, after, size, projection));
  if (page.count == 0 && !kind_is_known(snapshot, call.service, kind))
    return nothing_found(snapshot, call.service, kind, {});

  Response response;
  const std::string seq = sequence_text(snapshot, snapshot.seq());
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.headers.emplace_back("Jcn-Seq", seq);
  response.body.reserve(page.rows.size() + 256);
  JsonWriter json(response.body);
  json.open('{').key("ok").boolean(true);
  json.key("rows").open('[').raw(page.rows).close(']');
  if (page.more) {
    const std::string token = page_token(kind, {{}, page.last_id});
    const std::string url = next_url(call, kind, token);
    json.key("next").string(token).key("next_url").string(url);
    response.headers.emplace_back("Link", '<' + url + ">; rel=\"next\"");
  } else {
    json.key("next").null().key("next_url").null();
  }
  json.key("seq").string(seq);
  // A field is unknown when no record has it. One page can tell that only when it is all of them.
  const bool whole = size > 0 && after.id.empty() && !page.more;
  json.key("unknown_fields").open('[');
  for (std::size_t i = 0; whole && i < projection.fields.size(); ++i) {
    if (!projection.seen[i]) json.string(projection.fields[i]);
  }
  json.close(']').close('}');
  return response;
}

}  // namespace jcn
