#include "routes.h"

#include <algorithm>
#include <array>

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
    RouteRow{"/v1/status/accept", Method::post, accept_root},
    RouteRow{"/v1/status/compact", Method::post, compact},
    RouteRow{"/v1/status/reindex", Method::post, reindex},
    RouteRow{"/v1/sync", Method::post, sync},
    RouteRow{"/v1/rejects", Method::get, list_rejects, true},
    RouteRow{"/v1/explain", Method::get, explain, true},
    RouteRow{"/v1/check", Method::post, check},
    RouteRow{"/v1/changes", Method::get, changes, true},
    RouteRow{"/v1/conflicts", Method::get, list_conflicts, true},
    RouteRow{"/v1/export.sqlite", Method::get, export_sqlite},
    RouteRow{"/v1/schemas/{kind}", Method::get, get_schema},
    RouteRow{"/v1/schemas/{kind}", Method::post, dry_run_schema, true},
    RouteRow{"/v1/{kind}", Method::get, list_records, true},
    RouteRow{"/v1/{kind}/_bulk_get", Method::post, bulk_get, true},
    RouteRow{"/v1/{kind}/{id}", Method::get, get_record, true},
};

bool allows(Method method, std::string_view sent) {
  return method == Method::get ? sent == "GET" || sent == "HEAD" : sent == "POST";
}

// What stands for the variables of an address, still encoded.
struct Variables {
  std::optional<std::string_view> kind, id;
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
    if (address.starts_with("{kind}")) {
      found.kind = path.substr(0, path.find('/'));
      path.remove_prefix(found.kind->size());
    } else {
      found.id = path;
      path = {};
    }
    address.remove_prefix(address.find('}') + 1);
  }
}

Response wrong_method(bool get, bool post) {
  std::string allowed = get ? "GET, HEAD" : "";
  if (post) allowed += get ? ", POST" : "POST";
  Response response = problem(Code::method_not_allowed, "This resource takes " + allowed + ".");
  response.headers.emplace_back("Allow", allowed);
  return response;
}

Error incomplete_index() {
  return {Code::not_ready, "The index was damaged, and is made again from the files.",
          "GET /readyz says when it is there again."};
}

Result<Response> answer_with(const RouteRow& row, const Variables& variables,
                             const std::string& kind, const Request& request, Service& service) {
  JCN_TRY(const QueryParameters parameters, QueryParameters::read(request.raw_query));
  Call call{request, parameters, service, kind};
  if (variables.id) {
    auto id = percent_decode(*variables.id, false);
    if (!id) return Error{Code::bad_target, "The id cannot be decoded."};
    call.id = std::move(*id);
  }
  if (!row.of_index) return row.answer(call);
  const auto before = service.answering();
  if (!before) return incomplete_index();
  Result<Response> response = row.answer(call);
  // What was read while the index changed under it is not to be believed either.
  if (service.answering() != before) return incomplete_index();
  return response;
}

Result<Response> answer(const Request& request, Service& service) {
  bool get = false, post = false;  // methods of rows with this address
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
    if (allows(row.method, request.method))
      return answer_with(row, *variables, kind, request, service);
    (row.method == Method::get ? get : post) = true;
  }
  if (get || post) return wrong_method(get, post);
  return Error{Code::no_such_route, "There is nothing at this address.",
               "GET / lists the kinds; records are at /v1/{kind}/{id}."};
}

}  // namespace

std::span<const RouteRow> route_table() {
  return table;
}

Response handle(const Request& request, Service& service) {
  auto response = answer(request, service);
  if (response) return std::move(*response);
  service.failed(response.error());
  return problem(response.error());
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
