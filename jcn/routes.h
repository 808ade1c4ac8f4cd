// The routes: Request → Response. No sockets, no server's types; an answer is built whole, and
// every snapshot is gone before it is sent. jcn/doc/http-api.md says what each route takes and
// answers.
#pragma once

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
};

// "<uuid>-<n>": how a sequence number is shown.
std::string sequence_text(const Snapshot& snapshot, std::uint64_t seq);

// Errors of these become problem documents in handle().
// route_record.cc
Result<Response> get_record(const Call& call, const std::string& kind, const std::string& id);
// route_listing.cc
Result<Response> list_records(const Call& call, const std::string& kind);
// route_rejects.cc
Result<Response> list_rejects(const Call& call);
Result<Response> explain(const Call& call);
Result<Response> check(const Call& call);
// route_status.cc
Result<Response> front_page(const Call& call);
Result<Response> healthz(const Call& call);
Result<Response> readyz(const Call& call);
Result<Response> metrics(const Call& call);
Result<Response> status(const Call& call);
Result<Response> accept_root(const Call& call);
Result<Response> sync(const Call& call);

// no_such_kind, or no_such_record when the kind has records or a rule.
Error nothing_found(const Snapshot& snapshot, Service& service, const std::string& kind,
                    const std::string& id);
bool kind_is_known(const Snapshot& snapshot, Service& service, const std::string& kind);

}  // namespace jcn
