#include "routes.h"

#include <algorithm>
#include <array>

#include "jcn/check.h"
#include "problem.h"
#include "reserved_words.h"

namespace jcn {
namespace {

enum class Method { get, post };  // HEAD goes with GET

struct FixedRoute {
  std::string_view path;
  Method method;
  Result<Response> (*answer)(const Call&);
};

constexpr std::array fixed_routes = {
    FixedRoute{"/", Method::get, front_page},
    FixedRoute{"/healthz", Method::get, healthz},
    FixedRoute{"/readyz", Method::get, readyz},
    FixedRoute{"/metrics", Method::get, metrics},
    FixedRoute{"/v1/status", Method::get, status},
    FixedRoute{"/v1/status/accept", Method::post, accept_root},
    FixedRoute{"/v1/sync", Method::post, sync},
    FixedRoute{"/v1/rejects", Method::get, list_rejects},
    FixedRoute{"/v1/explain", Method::get, explain},
    FixedRoute{"/v1/check", Method::post, check},
};

constexpr std::string_view records_prefix = "/v1/";

bool allows(Method method, std::string_view sent) {
  return method == Method::get ? sent == "GET" || sent == "HEAD" : sent == "POST";
}

Response wrong_method(Method method) {
  const std::string allowed = method == Method::get ? "GET, HEAD" : "POST";
  Response response = problem(Code::method_not_allowed, "This resource takes " + allowed + ".");
  response.headers.emplace_back("Allow", allowed);
  return response;
}

Error no_such_route() {
  return {Code::no_such_route, "There is nothing at this address.",
          "GET / lists the kinds; records are at /v1/{kind}/{id}."};
}

// `rest` stands behind /v1/ and is still encoded. All behind the kind's slash is the id.
Result<Response> answer_records(const Call& call, std::string_view rest) {
  const std::size_t slash = rest.find('/');
  const auto kind = percent_decode(rest.substr(0, slash), false);
  if (!kind) return Error{Code::bad_target, "The kind cannot be decoded."};
  if (reserved_kind(*kind)) return no_such_route();
  if (!valid_kind(*kind))
    return Error{Code::no_such_kind, "'" + *kind + "' cannot be a kind.",
                 "Kinds are written [a-z][a-z0-9_-]*."};
  if (!allows(Method::get, call.request.method)) return wrong_method(Method::get);
  if (slash != std::string_view::npos) {
    const auto id = percent_decode(rest.substr(slash + 1), false);
    if (!id) return Error{Code::bad_target, "The id cannot be decoded."};
    JCN_CHECK(call.parameters.allow({"_extra"}));
    return get_record(call, *kind, *id);
  }
  if (const std::string* id = call.parameters.find("_id")) {
    JCN_CHECK(call.parameters.allow({"_id", "_extra"}));
    return get_record(call, *kind, *id);
  }
  return list_records(call, *kind);
}

Result<Response> answer(const Request& request, Service& service) {
  const auto fixed =
      std::find_if(fixed_routes.begin(), fixed_routes.end(),
                   [&](const FixedRoute& row) { return row.path == request.raw_path; });
  const bool records = request.raw_path.substr(0, records_prefix.size()) == records_prefix;
  if (fixed == fixed_routes.end() && !records) return no_such_route();
  if (fixed != fixed_routes.end() && !allows(fixed->method, request.method))
    return wrong_method(fixed->method);

  JCN_TRY(const QueryParameters parameters, QueryParameters::read(request.raw_query));
  const Call call{request, parameters, service};
  if (fixed != fixed_routes.end()) return fixed->answer(call);
  return answer_records(call, request.raw_path.substr(records_prefix.size()));
}

}  // namespace

Response handle(const Request& request, Service& service) {
  auto response = answer(request, service);
  return response ? std::move(*response) : problem(response.error());
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
