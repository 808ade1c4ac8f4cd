// POST /v1/fragments/_bulk: many changes of files in one request.
#include <algorithm>
#include <limits>
#include <variant>

#include "deep_stack.h"
#include "entity_tag.h"
#include "jcn/canonical.h"
#include "jcn/check.h"
#include "jcn/field.h"
#include "json_writer.h"
#include "route_fragments.h"

namespace jcn {
namespace {

constexpr std::size_t most_operations = 100;

struct BodyFault {
  Code code = Code::bad_value;
  std::string pointer, detail;
};
template <class Value>
using Read = std::variant<Value, BodyFault>;

Response body_problem(const BodyFault& fault) {
  return problem(fault.code, "The body must be {\"operations\":[…]}: " + fault.detail,
                 "Each one {\"method\":\"put\",\"root\",\"path\",\"document\"} or "
                 "{\"method\":\"delete\",\"root\",\"path\"}, with \"if_match\", "
                 "\"if_none_match\" and \"if_present\" where wanted; at most " +
                     std::to_string(most_operations) + ".",
                 {{fault.pointer, fault.detail}});
}

Read<FragmentChange> read_operation(std::string_view operation, const std::string& pointer) {
  const auto fault = [&](std::string_view name, const char* detail, Code code = Code::bad_value) {
    BodyFault found{code, pointer, detail};
    if (!name.empty()) append_field_step(found.pointer, name);
    return found;
  };
  if (json_type(operation) != JsonType::object) return fault("", "an operation is no object.");
  std::optional<std::string> method, root, path, document;
  FragmentChange change;
  for (JsonCursor member(operation); member.next();) {
    const std::string name = json_unquote(member.name());
    if (name == "document") {
      document = member.value();
      continue;
    }
    std::optional<std::string>* into = name == "method"     ? &method
                                       : name == "root"     ? &root
                                       : name == "path"     ? &path
                                       : name == "if_match" ? &change.precondition.if_match
                                       : name == "if_none_match"
                                           ? &change.precondition.if_none_match
                                       : name == "if_present" ? &change.precondition.if_present
                                                              : nullptr;
    if (!into) return fault(name, "an operation has another member.", Code::unknown_parameter);
    if (json_type(member.value()) != JsonType::string) return fault(name, "it is no string.");
    *into = json_unquote(member.value());
  }
  if (!root) return fault("root", "an operation names no root.");
  if (!path) return fault("path", "an operation names no path.");
  if (!method || (*method != "put" && *method != "delete"))
    return fault("method", "the method is neither \"put\" nor \"delete\".");
  if ((*method == "put") != document.has_value())
    return fault("document", "\"put\" wants a document, \"delete\" has none.");
  change.name = {*std::move(root), *std::move(path)};
  change.bytes = std::move(document);
  return change;
}

Read<std::vector<FragmentChange>> read_operations(std::string_view canonical) {
  if (json_type(canonical) != JsonType::object)
    return BodyFault{Code::bad_value, "", "it is no object."};
  std::optional<std::string_view> list;
  for (JsonCursor member(canonical); member.next();) {
    if (member.name() == "\"operations\"") {
      list = member.value();
    } else {
      BodyFault fault{Code::unknown_parameter, "", "it has another member."};
      append_field_step(fault.pointer, json_unquote(member.name()));
      return fault;
    }
  }
  if (!list || json_type(*list) != JsonType::array)
    return BodyFault{Code::bad_value, "/operations", "\"operations\" is no array."};
  std::vector<FragmentChange> changes;
  for (JsonCursor element(*list); element.next();) {
    if (changes.size() == most_operations)
      return BodyFault{Code::bad_value, "/operations", "there are too many operations."};
    auto read = read_operation(element.value(), "/operations/" + std::to_string(changes.size()));
    if (auto* fault = std::get_if<BodyFault>(&read)) return std::move(*fault);
    changes.push_back(std::move(std::get<FragmentChange>(read)));
  }
  return changes;
}

// Room for as many documents as there may be: each is judged by itself afterwards.
Limits of_body(const Limits& limits) {
  constexpr auto most = std::numeric_limits<std::uint32_t>::max();
  Limits body;
  body.max_bytes = std::numeric_limits<std::uint32_t>::max();
  body.max_depth = limits.max_depth + 3;
  const std::uint64_t members = std::uint64_t{limits.max_members} * most_operations + 1000;
  body.max_members = static_cast<std::uint32_t>(std::min<std::uint64_t>(members, most));
  return body;
}

Response results(const Snapshot& snapshot, const std::vector<FragmentChange>& changes) {
  Response response = no_store();
  JsonWriter json(response.body);
  json.open('{').key("ok").boolean(true).key("results").open('[');
  for (const FragmentChange& change : changes) {
    json.open('{').key("status");
    if (change.problem) {
      json.number(static_cast<std::uint64_t>(change.problem->status));
      json.key("problem").raw(change.problem->body).close('}');
      continue;
    }
    json.number(change.seq ? static_cast<std::uint64_t>(change.status) : 202);
    json.key("etag").string_or_null(change.content ? std::optional(entity_tag(*change.content))
                                                   : std::nullopt);
    json.key("seq").string_or_null(change.seq ? std::optional(sequence_text(snapshot, *change.seq))
                                              : std::nullopt);
    json.close('}');
  }
  json.close(']').close('}');
  return response;
}

}  // namespace

Result<Response> bulk_fragments(const Call& call) {
  JCN_CHECK(call.parameters.allow({}));
  // Before the body is looked at: who may write nowhere is told so.
  if (!call.service.fragments().writable() || (call.request.tokens_exist && !call.request.token))
    JCN_CHECK(may_write(call, ""));
  const auto rules = call.service.rules();
  const Limits limits = of_body(rules->limits);
  std::vector<FragmentChange> changes;
  JCN_TRY(
      Response wrong, on_deep_stack(rules->limits.max_depth, [&]() -> Result<Response> {
        auto checked = check_json(call.request.body, limits);
        if (const auto* reject = std::get_if<Reject>(&checked))
          return body_problem({Code::bad_request, reject->pointer.value_or(""), reject->message});
        auto read = read_operations(std::get<std::string>(checked));
        if (const auto* fault = std::get_if<BodyFault>(&read)) return body_problem(*fault);
        changes = std::move(std::get<std::vector<FragmentChange>>(read));
        return Response{};
      }));
  if (wrong.status != 200) return wrong;

  JCN_TRY(const FragmentFiles::Place place, call.service.fragments().enter());
  for (FragmentChange& change : changes) carry_out(call, change);
  wait_for(call, changes);
  JCN_TRY(const Snapshot snapshot, call.service.snapshot());
  return results(snapshot, changes);
}

}  // namespace jcn
