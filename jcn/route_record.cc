// GET /v1/{kind}/{id}
#include <algorithm>

#include "deep_stack.h"
#include "entity_tag.h"
#include "jcn/check.h"
#include "jcn/contributions.h"
#include "jcn/time_text.h"
#include "json_writer.h"
#include "routes.h"

namespace jcn {
namespace {

// `tag` empty: the answer shows more than the document, which its rev says nothing about.
Response record_response(const Snapshot& snapshot, std::int64_t updated_ns, std::string tag) {
  Response response;
  response.headers.reserve(4);
  if (!tag.empty()) response.headers.emplace_back("ETag", std::move(tag));
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.headers.emplace_back("Last-Modified", http_date(updated_ns));
  response.headers.emplace_back("Jcn-Seq", sequence_text(snapshot, snapshot.seq()));
  return response;
}

void write_name(JsonWriter& json, const FragmentName& name) {
  json.key("root").string(name.root).key("path").bytes(name.path);
}

void write_fragments(JsonWriter& json, const Record& record) {
  json.key("fragments").open('[');
  for (const FragmentInfo& fragment : record.fragments) {
    json.open('{');
    write_name(json, fragment.name);
    json.key("size").number(fragment.size);
    json.key("mtime").string(rfc3339(fragment.mtime_ns));
    json.key("status").string(fragment.last_good ? "last-good" : "indexed");
    json.close('}');
  }
  json.close(']');
}

Result<void> write_provenance(JsonWriter& json, const Snapshot& snapshot, const Rules& rules,
                              const Record& record) {
  JCN_TRY(const RecordContributions contributions, read_contributions(snapshot, rules, record));
  json.key("provenance").open('{');
  for (const Origin& origin : origins(contributions.list)) {
    if (origin.removed) continue;
    json.key(origin.pointer).open('{');
    write_name(json, contributions.list[origin.winner].name);
    json.key("shadowed").open('[');
    for (const Opinion& opinion : origin.shadowed) {
      json.open('{');
      write_name(json, contributions.list[opinion.contribution].name);
      json.close('}');
    }
    json.close(']').close('}');
  }
  json.close('}');
  return {};
}

struct Extras {
  bool fragments = false, provenance = false;
  bool any() const { return fragments || provenance; }
};

Result<Extras> read_extras(const QueryParameters& parameters) {
  Extras extras;
  for (const std::string& name : parameters.list("_extra")) {
    if (name == "fragments") {
      extras.fragments = true;
    } else if (name == "provenance") {
      extras.provenance = true;
    } else {
      return Error{Code::bad_parameter, "There is no _extra '" + name + "' of a record.",
                   "Extras of a record: fragments, provenance."};
    }
  }
  return extras;
}

Result<Response> answer_record(const Call& call) {
  const std::string &kind = call.kind, &id = call.id;
  JCN_TRY(const Extras extras, read_extras(call.parameters));
  JCN_TRY(const Snapshot snapshot, call.service.snapshot());
  const RecordKey key{kind, id};
  if (!valid_id(id)) return nothing_found(snapshot, call.service, kind, id);

  if (const auto condition = call.request.header("If-None-Match"); condition && !extras.any()) {
    JCN_TRY(const auto head, snapshot.head(key));
    if (!head || !head->exists) return nothing_found(snapshot, call.service, kind, id);
    std::string tag = entity_tag(head->rev);
    if (none_match_hits(*condition, tag)) {
      Response response = record_response(snapshot, head->updated_ns, std::move(tag));
      response.status = 304;
      return response;
    }
  }

  JCN_TRY(auto record, snapshot.record(key));
  if (!record || !record->exists) return nothing_found(snapshot, call.service, kind, id);
  if (!extras.any()) {
    Response response = record_response(snapshot, record->updated_ns(), entity_tag(record->rev));
    response.body = std::move(record->document);
    return response;
  }
  const std::shared_ptr<const Rules> rules = call.service.rules();
  return on_deep_stack(rules->limits.max_depth, [&]() -> Result<Response> {
    Response response = record_response(snapshot, record->updated_ns(), {});
    JsonWriter json(response.body);
    json.open('{').key("record").raw(record->document);
    if (extras.fragments) write_fragments(json, *record);
    if (extras.provenance) JCN_CHECK(write_provenance(json, snapshot, *rules, *record));
    json.close('}');
    return response;
  });
}

}  // namespace

Result<Response> get_record(const Call& call) {
  JCN_CHECK(call.parameters.allow({"_extra"}));
  return answer_record(call);
}

Result<Response> get_record_by_parameter(const Call& call) {
  JCN_CHECK(call.parameters.allow({"_id", "_extra"},
                                  "_id alone asks for one record, and takes _extra beside it. A "
                                  "listing's filter on ids is _id__exact or _id__in."));
  const std::string* id = call.parameters.find("_id");
  return answer_record({call.request, call.parameters, call.service, call.kind, id ? *id : ""});
}

}  // namespace jcn
