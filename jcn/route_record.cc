// GET /v1/{kind}/{id}
#include <algorithm>

#include "entity_tag.h"
#include "jcn/check.h"
#include "jcn/compose.h"
#include "json_writer.h"
#include "routes.h"
#include "time_text.h"

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

// `bodies` owns the texts that the contributions view.
Result<std::vector<Contribution>> contributions(const Snapshot& snapshot, const Rules& rules,
                                                const Record& record,
                                                std::vector<std::string>& bodies) {
  static const Rule unruled;  // the rules changed, and the record is not judged anew yet
  std::vector<Contribution> all;
  bodies.reserve(record.fragments.size());
  for (const FragmentInfo& fragment : record.fragments) {
    if (record.fragments.size() == 1) {
      bodies.push_back(record.document);
    } else {
      JCN_TRY(auto body, snapshot.body(fragment.name));
      if (!body)
        return Error{Code::index_damaged,
                     "The index lacks the content of " + fragment.name.path + "."};
      bodies.push_back(std::move(*body));
    }
    const Rule* rule = rules.find(fragment.name);
    all.push_back({fragment.name, rule ? rule : &unruled, bodies.back()});
  }
  return all;
}

Result<void> write_provenance(JsonWriter& json, const Snapshot& snapshot, const Rules& rules,
                              const Record& record) {
  std::vector<std::string> bodies;
  JCN_TRY(const auto all, contributions(snapshot, rules, record, bodies));
  json.key("provenance").open('{');
  for (const auto& [pointer, from] : provenance(all)) {
    json.key(pointer).open('{');
    write_name(json, from.winner);
    json.key("shadowed").open('[');
    for (const FragmentName& name : from.shadowed) {
      json.open('{');
      write_name(json, name);
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

}  // namespace

Result<Response> get_record(const Call& call, const std::string& kind, const std::string& id) {
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
  Response response = record_response(snapshot, record->updated_ns(), {});
  JsonWriter json(response.body);
  json.open('{').key("record").raw(record->document);
  if (extras.fragments) write_fragments(json, *record);
  if (extras.provenance)
    JCN_CHECK(write_provenance(json, snapshot, *call.service.rules(), *record));
  json.close('}');
  return response;
}

}  // namespace jcn
