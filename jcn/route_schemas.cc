// GET /v1/schemas/{kind}: the JSON Schema that its fragments must fit; POST …?dry_run=1: which
// files another one would reject.
#include <charconv>

#include "deep_stack.h"
#include "entity_tag.h"
#include "jcn/schema.h"
#include "jcn/schema_trial.h"
#include "json_writer.h"
#include "page_token.h"
#include "problem.h"
#include "routes.h"

namespace jcn {
namespace {

constexpr std::uint64_t default_size = 100, largest_size = 1000;  // failures

Error no_such_kind(const std::string& kind) {
  return {Code::no_such_kind, "There is no kind '" + kind + "'.", "GET / lists the kinds."};
}

Response bad_schema(const Reject& reject) {
  std::string detail = "The schema can't be used: " + reject.message;
  if (reject.line)
    detail +=
        ", at line " + std::to_string(*reject.line) + ", column " + std::to_string(*reject.column);
  std::vector<ProblemPart> parts;
  if (reject.pointer) parts.push_back({*reject.pointer, reject.message});
  return problem(Code::bad_schema, detail, {}, parts);
}

// A walk goes on with the schema that it began with.
std::string listing_of(const std::string& kind, const Schema& schema) {
  return "/schemas/" + kind + "/" + hash128(schema.text()).hex();
}

std::optional<SchemaTrialPlace> read_place(Place place) {
  SchemaTrialPlace read{std::move(place.first), 0};
  const char* const end = place.second.data() + place.second.size();
  const auto [stop, error] = std::from_chars(place.second.data(), end, read.files);
  if (error != std::errc() || stop != end) return std::nullopt;
  return read;
}

Result<Response> dry_run(const Call& call, const Schema& schema, const SchemaTrialQuery& query) {
  JCN_TRY(const Snapshot snapshot, call.service.snapshot());
  if (!kind_is_known(snapshot, call.service, query.kind)) return no_such_kind(query.kind);
  JCN_TRY(const SchemaTrialPage page, try_schema(snapshot, schema, query));

  Response response = no_store();
  JsonWriter json(response.body);
  json.open('{').key("ok").boolean(true).key("checked").number(page.checked);
  json.key("failures").open('[');
  for (const SchemaFailure& failure : page.failures) {
    json.open('{').key("root").string(failure.name.root).key("path").bytes(failure.name.path);
    json.key("id").string(failure.id).key("pointer").string_or_null(failure.violation.pointer);
    json.key("message").string(failure.violation.message).close('}');
  }
  json.close(']').key("truncated").boolean(page.next.has_value()).key("next");
  if (page.next) {
    json.string(page_token(listing_of(query.kind, schema),
                           {page.next->id, std::to_string(page.next->files)}));
  } else {
    json.null();
  }
  json.close('}');
  return response;
}

}  // namespace

Result<Response> get_schema(const Call& call) {
  JCN_CHECK(call.parameters.allow({}));
  const std::shared_ptr<const Rules> rules = call.service.rules();
  const Schema* schema = rules->schema(call.kind);
  if (!schema) {
    JCN_TRY(const Snapshot snapshot, call.service.snapshot());
    if (!kind_is_known(snapshot, call.service, call.kind)) return no_such_kind(call.kind);
    return Error{Code::no_schema, "The kind '" + call.kind + "' has no JSON Schema.",
                 "jcn.conf(5) sets one: [[kind]], schema = \"FILE\"."};
  }
  Response response;
  response.content_type = "application/schema+json";
  response.headers.emplace_back("ETag", entity_tag(hash128(schema->text())));
  response.headers.emplace_back("Cache-Control", "no-cache");
  const auto condition = call.request.header("If-None-Match");
  if (condition && none_match_hits(*condition, *response.header("ETag"))) {
    response.status = 304;
  } else {
    response.body = schema->text();
  }
  return response;
}

Result<Response> dry_run_schema(const Call& call) {
  JCN_CHECK(call.parameters.allow({"dry_run", "_size", "_next"}));
  JCN_TRY(const bool dry, call.parameters.flag("dry_run"));
  if (!dry) {
    return Error{Code::bad_parameter, "A schema can only be tried here: add dry_run=1.",
                 "It is set in the configuration, [[kind]], schema = \"FILE\"; SIGHUP reloads it."};
  }
  SchemaTrialQuery query;
  query.kind = call.kind;
  JCN_TRY(query.size, call.parameters.number("_size", default_size, largest_size, 1));
  const auto compiled = Schema::compile(call.request.body);
  if (const auto* reject = std::get_if<Reject>(&compiled)) return bad_schema(*reject);
  const Schema& schema = *std::get<std::shared_ptr<const Schema>>(compiled);
  if (const std::string* token = call.parameters.find("_next")) {
    if (auto place = read_page_token(listing_of(call.kind, schema), *token))
      query.after = read_place(std::move(*place));
    if (!query.after) {
      return Error{Code::bad_parameter,
                   "The parameter '_next' is no token of this kind and this schema."};
    }
  }
  query.until = std::chrono::steady_clock::now() + call.service.query_timeout() / 2;
  const std::uint32_t depth = call.service.rules()->limits.max_depth;
  return on_deep_stack(depth, [&] { return dry_run(call, schema, query); });
}

}  // namespace jcn
