#include "routes.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include "access_token.h"
#include "jcn/check.h"
#include "problem.h"
#include "reserved_words.h"

namespace jcn {
namespace {

// The first row whose address and method fit answers.
constexpr std::array table = {
    RouteRow{"/", Method::get, front_page},
    RouteRow{"/healthz", Method::get, healthz},
    RouteRow{"/readyz", Method::get, readyz},
    RouteRow{"/metrics", Method::get, metrics},
    RouteRow{"/openapi.json", Method::get, openapi},
    RouteRow{"/v1/status", Method::get, status},
    RouteRow{"/v1/status/history", Method::get, status_history},
    RouteRow{"/v1/status/accept", Method::post, accept_root, false, true},
    RouteRow{"/v1/status/compact", Method::post, compact, false, true},
    RouteRow{"/v1/status/reindex", Method::post, reindex, false, true},
    RouteRow{"/v1/sync", Method::post, sync},
    RouteRow{"/v1/rejects", Method::get, list_rejects, true},
    RouteRow{"/v1/explain", Method::get, explain, true},
    RouteRow{"/v1/check", Method::post, check},
    RouteRow{"/v1/changes", Method::get, changes, true},
    RouteRow{"/v1/conflicts", Method::get, list_conflicts, true},
    RouteRow{"/v1/export.sqlite", Method::get, export_sqlite},
    RouteRow{"/v1/webhooks", Method::get, list_webhooks, false, true},
    RouteRow{"/v1/webhooks/{name}/failures", Method::get, list_webhook_failures, false, true},
    RouteRow{"/v1/webhooks/{name}/replay", Method::post, replay_webhook, true, true},
    RouteRow{"/v1/webhooks/{name}/discard", Method::post, discard_webhook_failures, true, true},
    RouteRow{"/v1/fragments/_bulk", Method::post, bulk_fragments},
    RouteRow{"/v1/fragments/{root}/{path}", Method::get, get_fragment},
    RouteRow{"/v1/fragments/{root}/{path}", Method::put, put_fragment},
    RouteRow{"/v1/fragments/{root}/{path}", Method::remove, remove_fragment},
    RouteRow{"/v1/schemas/{kind}", Method::get, get_schema},
    RouteRow{"/v1/schemas/{kind}", Method::post, dry_run_schema, true},
    RouteRow{"/v1/{kind}", Method::get, list_records, true},
    RouteRow{"/v1/{kind}/_bulk_get", Method::post, bulk_get, true},
    RouteRow{"/v1/{kind}/{id}", Method::get, get_record, true},
};

// The last place counts what no route takes.
static_assert(table.size() < AnswerCounters::most_routes);

bool allows(Method method, std::string_view sent) {
  return sent == method_name(method) || (method == Method::get && sent == "HEAD");
}

// What stands for the variables of an address, still encoded.
struct Variables {
  std::optional<std::string_view> kind, id, root, path, name;
};

std::optional<Variables> match(std::string_view address, std::string_view path) {
  Variables found;
  for (;;) {
    const std::size_t brace = address.find('{');
    const std::string_view literal = address.substr(0, brace);
    if (!path.starts_with(literal)) return std::nullopt;
    path.remove_prefix(literal.size());
    if (brace == std::string_view::npos) {
      if (!path.empty()) return std::nullopt;
      return found;
    }
    address.remove_prefix(brace);
    const bool kind = address.starts_with("{kind}"), name = address.starts_with("{name}");
    if (kind || name || address.starts_with("{root}")) {
      const std::string_view segment = path.substr(0, path.find('/'));
      (kind ? found.kind : name ? found.name : found.root) = segment;
      path.remove_prefix(segment.size());
    } else {
      (address[1] == 'i' ? found.id : found.path) = path;
      path = {};
    }
    address.remove_prefix(address.find('}') + 1);
  }
}

Response wrong_method(const std::set<Method>& methods) {
  std::string allowed;
  for (const Method method : methods) {
    if (!allowed.empty()) allowed += ", ";
    allowed += method_name(method);
    if (method == Method::get) allowed += ", HEAD";
  }
  Response response = problem(Code::method_not_allowed, "This resource takes " + allowed + ".");
  response.headers.emplace_back("Allow", allowed);
  return response;
}

Result<Response> answer_with(const RouteRow& row, const Variables& variables,
                             const std::string& kind, const Request& request, Service& service) {
  JCN_TRY(const QueryParameters parameters, QueryParameters::read(request.raw_query));
  Call call{request, parameters, service, kind};
  const auto decode = [](const std::optional<std::string_view>& sent, std::string& into,
                         const char* what) -> Result<void> {
    if (!sent) return {};
    auto decoded = percent_decode(*sent, false);
    if (!decoded)
      return Error{Code::bad_target, std::string("The ") + what + " cannot be decoded."};
    into = std::move(*decoded);
    return {};
  };
  JCN_CHECK(decode(variables.id, call.id, "id"));
  JCN_CHECK(decode(variables.root, call.root, "root"));
  JCN_CHECK(decode(variables.path, call.path, "path"));
  JCN_CHECK(decode(variables.name, call.name, "name"));
  if (row.administers && request.token && request.token->limited())
    return Error{Code::forbidden, "The token is for reading, or for some roots only."};
  if (!row.of_index) return row.answer(call);
  const auto before = service.answering();
  if (!before) return incomplete_index();
  Result<Response> response = row.answer(call);
  // What was read while the index changed under it is not to be believed either.
  if (service.answering() != before) return incomplete_index();
  return response;
}

// `route`: the place of the row that answers, left as it is where none does.
Result<Response> answer(const Request& request, Service& service, std::size_t& route) {
  std::set<Method> methods;  // of rows with this address
  for (const RouteRow& row : table) {
    const auto variables = match(row.path, request.raw_path);
    if (!variables) continue;
    std::string kind;
    if (variables->kind) {
      auto decoded = percent_decode(*variables->kind, false);
      if (!decoded) return Error{Code::bad_target, "The kind cannot be decoded."};
      if (reserved_kind(*decoded)) continue;
      if (!valid_kind(*decoded))
        return Error{Code::no_such_kind, "'" + *decoded + "' cannot be a kind.",
                     "Kinds are written [a-z][a-z0-9_-]*."};
      kind = std::move(*decoded);
    }
    if (allows(row.method, request.method)) {
      route = static_cast<std::size_t>(&row - table.data());
      return answer_with(row, *variables, kind, request, service);
    }
    methods.insert(row.method);
  }
  if (!methods.empty()) return wrong_method(methods);
  return Error{Code::no_such_route, "There is nothing at this address.",
               "GET / lists the kinds; records are at /v1/{kind}/{id}."};
}

}  // namespace

std::span<const RouteRow> route_table() {
  return table;
}

Response handle(const Request& request, Service& service) {
  // What ends in an exception is answered by the server, with a 500.
  struct Count {
    AnswerCounters& counters;
    const std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
    std::size_t route = table.size();
    int status = 500;
    ~Count() { counters.count(route, status, std::chrono::steady_clock::now() - begun); }
  } count{service.answers};
  auto response = answer(request, service, count.route);
  if (!response) {
    service.failed(response.error());
    response = problem(response.error());
  }
  count.status = response->status;
  return std::move(*response);
}

std::string_view method_name(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::remove:
      return "DELETE";
  }
  return {};
}

Error incomplete_index() {
  return {Code::not_ready, "The index was damaged, and is made again from the files.",
          "GET /readyz says when it is there again."};
}

std::string sequence_text(const Snapshot& snapshot, std::uint64_t seq) {
  return snapshot.uuid() + '-' + std::to_string(seq);
}

bool kind_is_known(const Snapshot& snapshot, Service& service, const std::string& kind) {
  const auto rules = service.rules();
  return std::any_of(rules->rules.begin(), rules->rules.end(),
                     [&](const Rule& rule) { return rule.kind == kind; }) ||
         snapshot.counts().records.count(kind) > 0;
}

Error nothing_found(const Snapshot& snapshot, Service& service, const std::string& kind,
                    const std::string& id) {
  if (!kind_is_known(snapshot, service, kind))
    return {Code::no_such_kind, "There is no kind '" + kind + "'.", "GET / lists the kinds."};
  return {Code::no_such_record, "There is no record '" + id + "' of the kind '" + kind + "'."};
}

}  // namespace jcn
