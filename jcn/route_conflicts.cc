// GET /v1/conflicts: where the fragments of a record disagree, and who won.
#include "conflict_json.h"
#include "deep_stack.h"
#include "jcn/check.h"
#include "jcn/conflicts.h"
#include "json_writer.h"
#include "page_token.h"
#include "routes.h"

namespace jcn {
namespace {

constexpr std::uint64_t default_size = 100, largest_size = 1000;  // rows

// A walk of one kind is another listing than that of all.
std::string listing_of(const std::string& kind) {
  return "/conflicts/" + kind;
}

// root; path, NUL, and with a pointer ':' and the pointer.
Place place_of(const ConflictPlace& place) {
  std::string behind = place.file.path + '\0';
  if (place.pointer) behind += ':' + *place.pointer;
  return {place.file.root, std::move(behind)};
}

std::optional<ConflictPlace> read_place(Place place) {
  const std::size_t border = place.second.find('\0');
  if (border == std::string::npos) return std::nullopt;
  ConflictPlace read{{std::move(place.first), place.second.substr(0, border)}, std::nullopt};
  if (border + 1 < place.second.size()) read.pointer = place.second.substr(border + 2);
  return read;
}

Result<Response> answer(const Call& call, const Rules& rules, ConflictQuery query) {
  JCN_TRY(const Snapshot snapshot, call.service.snapshot());
  if (!query.kind.empty() && !kind_is_known(snapshot, call.service, query.kind)) {
    return Error{Code::no_such_kind, "There is no kind '" + query.kind + "'.",
                 "GET / lists the kinds."};
  }
  const auto share = call.service.pages.take();
  query.page_bytes = share->bytes();
  JCN_TRY(const ConflictPage page, find_conflicts(snapshot, rules, query));

  Response response = no_store();
  response.keeps = share;
  JsonWriter json(response.body);
  json.open('{').key("ok").boolean(true).key("rows").open('[');
  for (const Conflict& conflict : page.rows) write_conflict(json, conflict);
  json.close(']');
  if (page.next) {
    const std::string token = page_token(listing_of(query.kind), place_of(*page.next));
    std::string url = "/v1/conflicts?";
    if (!query.kind.empty()) url += "kind=" + percent_encode(query.kind) + "&";
    url += "_size=" + std::to_string(query.size) + "&_next=" + token;
    json.key("next").string(token).key("next_url").string(url);
    response.headers.emplace_back("Link", '<' + url + ">; rel=\"next\"");
  } else {
    json.key("next").null().key("next_url").null();
  }
  json.close('}');
  return response;
}

}  // namespace

Result<Response> list_conflicts(const Call& call) {
  JCN_CHECK(call.parameters.allow({"kind", "_size", "_next"}));
  ConflictQuery query;
  JCN_TRY(query.size, call.parameters.number("_size", default_size, largest_size));
  if (const std::string* kind = call.parameters.find("kind")) {
    if (!valid_kind(*kind))
      return Error{Code::no_such_kind, "'" + *kind + "' cannot be a kind.",
                   "Kinds are written [a-z][a-z0-9_-]*."};
    query.kind = *kind;
  }
  if (const std::string* token = call.parameters.find("_next")) {
    auto place = read_page_token(listing_of(query.kind), *token);
    if (place) query.after = read_place(std::move(*place));
    if (!query.after)
      return Error{Code::bad_parameter, "The parameter '_next' is no token of this listing."};
  }
  // A page that has not found enough by half of a query's time goes on in the next one.
  query.until = std::chrono::steady_clock::now() + call.service.query_timeout() / 2;
  const std::shared_ptr<const Rules> rules = call.service.rules();
  return on_deep_stack(rules->limits.max_depth, [&] { return answer(call, *rules, query); });
}

}  // namespace jcn
