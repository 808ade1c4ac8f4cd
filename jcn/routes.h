// The routes: Request → Response. No sockets, no server's types; an answer is built whole, and
// every snapshot is gone before it is sent. jcn/doc/http-api.md says what each route takes and
// answers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "jcn/snapshot.h"
#include "query_parameters.h"
#include "request.h"
#include "response.h"
#include "service.h"

namespace jcn {

// Any thread. What fails becomes a problem document.
Response handle(const Request& request, Service& service);

// What a route is called with.
struct Call {
  const Request& request;
  const QueryParameters& parameters;
  Service& service;
  // What stands for the variables in the route's address, decoded; a kind is one by its looks.
  std::string kind = {}, id = {}, root = {}, path = {}, name = {};
};

enum class Method : std::uint8_t { get, post, put, remove };  // HEAD goes with GET
std::string_view method_name(Method method);

// All that is served. In an address {kind} is one segment, and no reserved word; {root} and
// {name} are one segment; {id} and {path} are all that remains.
struct RouteRow {
  std::string_view path;
  Method method;
  Result<Response> (*answer)(const Call&);
  // What it says is right only where the index is, and whole.
  bool of_index = false;
  // Not for tokens that are limited to reading, or to some roots.
  bool administers = false;
};
std::span<const RouteRow> route_table();

// "<uuid>-<n>": how a sequence number is shown.
std::string sequence_text(const Snapshot& snapshot, std::uint64_t seq);

// Errors of these become problem documents in handle().
// route_record.cc
Result<Response> get_record(const Call& call);
Result<Response> get_record_by_parameter(const Call& call);  // GET /v1/{kind}?_id=
// route_listing.cc
Result<Response> list_records(const Call& call);
// route_bulk_get.cc
Result<Response> bulk_get(const Call& call);
// route_rejects.cc
Result<Response> list_rejects(const Call& call);
Result<Response> explain(const Call& call);
Result<Response> check(const Call& call);
// route_conflicts.cc
Result<Response> list_conflicts(const Call& call);
// route_schemas.cc
Result<Response> get_schema(const Call& call);
Result<Response> dry_run_schema(const Call& call);
// route_status.cc
Result<Response> front_page(const Call& call);
Result<Response> healthz(const Call& call);
Result<Response> readyz(const Call& call);
Result<Response> status(const Call& call);
Result<Response> status_history(const Call& call);
Result<Response> accept_root(const Call& call);
Result<Response> compact(const Call& call);
Result<Response> reindex(const Call& call);
Result<Response> sync(const Call& call);

// route_metrics.cc
Result<Response> metrics(const Call& call);
// route_changes.cc
Result<Response> changes(const Call& call);

// route_export.cc
Result<Response> export_sqlite(const Call& call);

// route_fragments.cc
Result<Response> get_fragment(const Call& call);
Result<Response> put_fragment(const Call& call);
Result<Response> remove_fragment(const Call& call);
// route_fragments_bulk.cc
Result<Response> bulk_fragments(const Call& call);

// route_webhooks.cc
Result<Response> list_webhooks(const Call& call);
Result<Response> list_webhook_failures(const Call& call);
Result<Response> replay_webhook(const Call& call);
Result<Response> discard_webhook_failures(const Call& call);

// route_openapi.cc
Result<Response> openapi(const Call& call);

// While what the index says is not to be believed (Service::answering).
Error incomplete_index();

// no_such_kind, or no_such_record when the kind has records or a rule.
Error nothing_found(const Snapshot& snapshot, Service& service, const std::string& kind,
                    const std::string& id);
bool kind_is_known(const Snapshot& snapshot, Service& service, const std::string& kind);

}  // namespace jcn
