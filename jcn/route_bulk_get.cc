// POST /v1/{kind}/_bulk_get: many records by their ids.
#include <variant>

#include "jcn/canonical.h"
#include "jcn/check.h"
#include "jcn/field.h"
#include "json_writer.h"
#include "problem.h"
#include "routes.h"

namespace jcn {
namespace {

constexpr std::size_t most_ids = 1000;

// What is wrong with a body, and where.
struct BodyFault {
  Code code = Code::bad_value;
  std::string pointer, detail;
};

Response body_problem(const BodyFault& fault) {
  return problem(fault.code, "The body must be {\"ids\":[…]}: " + fault.detail,
                 "At most " + std::to_string(most_ids) + " ids, as strings or integers.",
                 {{fault.pointer, fault.detail}});
}

std::optional<std::string> id_text(std::string_view value) {
  if (json_type(value) == JsonType::string) return json_unquote(value);
  return id_of_integer(value);
}

std::variant<std::vector<std::string>, BodyFault> read_ids(std::string_view canonical) {
  if (json_type(canonical) != JsonType::object)
    return BodyFault{Code::bad_value, "", "it is no object."};
  std::optional<std::string_view> list;
  for (JsonCursor member(canonical); member.next();) {
    if (member.name() == "\"ids\"") {
      list = member.value();
    } else {
      BodyFault fault{Code::unknown_parameter, "", "it has another member."};
      append_field_step(fault.pointer, json_unquote(member.name()));
      return fault;
    }
  }
  if (!list) return BodyFault{Code::bad_value, "/ids", "it has no \"ids\"."};
  if (json_type(*list) != JsonType::array)
    return BodyFault{Code::bad_value, "/ids", "\"ids\" is no array."};
  std::vector<std::string> ids;
  for (JsonCursor element(*list); element.next();) {
    if (ids.size() == most_ids)
      return BodyFault{Code::bad_value, "/ids", "there are more than 1000 ids."};
    auto id = id_text(element.value());
    if (!id)
      return BodyFault{Code::bad_value, "/ids/" + std::to_string(ids.size()),
                       "an id is neither a string nor an integer."};
    ids.push_back(std::move(*id));
  }
  return ids;
}

void write_error(JsonWriter& json, Code code, std::string_view detail) {
  json.key("error").open('{').key("code").string(code_name(code));
  json.key("detail").string(detail).close('}');
}

}  // namespace

Result<Response> bulk_get(const Call& call) {
  const std::string& kind = call.kind;
  JCN_CHECK(call.parameters.allow({}));
  auto checked = check_json(call.request.body, Limits{});
  if (const auto* reject = std::get_if<Reject>(&checked))
    return body_problem({Code::bad_request, reject->pointer.value_or(""), reject->message});
  auto read = read_ids(std::get<std::string>(checked));
  if (const auto* fault = std::get_if<BodyFault>(&read)) return body_problem(*fault);
  const auto& ids = std::get<std::vector<std::string>>(read);

  JCN_TRY(const Snapshot snapshot, call.service.snapshot());
  if (!kind_is_known(snapshot, call.service, kind))
    return nothing_found(snapshot, call.service, kind, {});
  Response response = no_store();
  // Of documents. The first record is given whatever its size.
  const auto share = call.service.pages.take();
  response.keeps = share;
  const std::string seq = sequence_text(snapshot, snapshot.seq());
  response.headers.emplace_back("Jcn-Seq", seq);
  JsonWriter json(response.body);
  json.open('{').key("ok").boolean(true).key("results").open('[');
  std::size_t bytes = 0;
  bool full = false;
  for (const std::string& id : ids) {
    json.open('{').key("id").string(id);
    std::optional<Record> record;
    if (!full && valid_id(id)) {
      JCN_TRY(record, snapshot.record({kind, id}));
    }
    full = full || (record && bytes > 0 && bytes + record->document.size() > share->bytes());
    if (full) {
      write_error(json, Code::answer_full, "The answer is full already; ask for it again.");
    } else if (!record || !record->exists) {
      write_error(json, Code::no_such_record, "The kind has no record of this id.");
    } else {
      bytes += record->document.size();
      json.key("rev").string(record->rev.hex());
      json.key("seq").string(sequence_text(snapshot, record->seq));
      json.key("record").raw(record->document);
    }
    json.close('}');
  }
  json.close(']').key("seq").string(seq).close('}');
  return response;
}

}  // namespace jcn
