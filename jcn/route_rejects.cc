// GET /v1/rejects, GET /v1/explain, POST /v1/check: what is wrong with a file, or would be.
#include <algorithm>

#include "jcn/check.h"
#include "page_token.h"
#include "reject_json.h"
#include "routes.h"
#include "time_text.h"

namespace jcn {
namespace {

constexpr std::uint64_t default_size = 100, largest_size = 1000;  // rows
constexpr std::string_view rejects_listing = "/rejects";          // no kind has a '/'

void write_row(JsonWriter& json, const FragmentName& name, const FileRow& row) {
  json.open('{').key("root").string(name.root).key("path").bytes(name.path);
  write_reject_members(json, *row.reject);
  json.key("since").string(rfc3339(row.since_ns));
  json.key("serving");
  if (row.serving_last_good()) {
    json.string("last-good");
  } else {
    json.null();
  }
  json.close('}');
}

Response no_store() {
  Response response;
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

// What check and explain say of a file, in one shape.
struct Verdict {
  bool ok = false;
  std::string status, why;
  std::optional<RecordKey> key;
  std::optional<Reject> reject;
};

// The rule that a file there has; with a kind that another rule gives, the first rule of that kind.
const Rule* rule_for(const Rules& rules, const FragmentName& name, const std::string* kind) {
  const Rule* found = rules.find(name);
  if (!kind || (found && found->kind == *kind)) return found;
  const auto rule = std::find_if(rules.rules.begin(), rules.rules.end(),
                                 [&](const Rule& candidate) { return candidate.kind == *kind; });
  return rule == rules.rules.end() ? nullptr : &*rule;
}

Verdict judge(const Rules& rules, const Rule& rule, const FragmentName& name,
              std::string_view bytes) {
  Verdict verdict;
  verdict.status = "rejected";
  auto checked = check_fragment(bytes, rules.limits);
  if (auto* reject = std::get_if<Reject>(&checked)) {
    verdict.reject = std::move(*reject);
    return verdict;
  }
  auto identity = identify(rule, rules.prefix_path_ids, name, std::get<std::string>(checked));
  if (auto* reject = std::get_if<Reject>(&identity)) {
    verdict.reject = std::move(*reject);
    return verdict;
  }
  verdict.ok = true;
  verdict.status = "indexed";
  verdict.key = std::get<RecordKey>(std::move(identity));
  return verdict;
}

}  // namespace

Result<Response> list_rejects(const Call& call) {
  JCN_CHECK(call.parameters.allow({"_size", "_next"}));
  JCN_TRY(const std::uint64_t size, call.parameters.number("_size", default_size, largest_size));
  FragmentName after;
  if (const std::string* token = call.parameters.find("_next")) {
    auto place = read_page_token(rejects_listing, *token);
    if (!place)
      return Error{Code::bad_parameter, "The parameter '_next' is no token of this listing."};
    after = {std::move(place->first), std::move(place->second)};
  }

  JCN_TRY(const Snapshot snapshot, call.service.snapshot());
  Response response = no_store();
  JsonWriter json(response.body);
  json.open('{').key("ok").boolean(true).key("rows").open('[');
  std::uint64_t count = 0;
  bool more = false;
  if (size > 0) {
    JCN_CHECK(snapshot.for_each_reject(after, [&](const FragmentName& name, const FileRow& row) {
      more = count == size;
      if (more) return false;
      write_row(json, name, row);
      after = name;
      ++count;
      return true;
    }));
  }
  json.close(']');
  if (more) {
    const std::string token = page_token(rejects_listing, {after.root, after.path});
    const std::string url = "/v1/rejects?_size=" + std::to_string(size) + "&_next=" + token;
    json.key("next").string(token).key("next_url").string(url);
    response.headers.emplace_back("Link", '<' + url + ">; rel=\"next\"");
  } else {
    json.key("next").null().key("next_url").null();
  }
  json.close('}');
  return response;
}

Result<Response> explain(const Call& call) {
  JCN_CHECK(call.parameters.allow({"root", "path"}));
  const std::string* root = call.parameters.find("root");
  const std::string* path = call.parameters.find("path");
  if (!path || path->empty() || (!root && path->front() != '/'))
    return Error{Code::bad_parameter, "Which file? Give path= (absolute), or root= and path=."};
  FragmentName name;
  if (root) {
    name = {*root, *path};
  } else {
    JCN_TRY(name, call.service.locate(*path));
  }
  JCN_TRY(const Explanation found, call.service.explain(name));

  Response response = no_store();
  JsonWriter json(response.body);
  json.open('{').key("root").string(found.root).key("path").bytes(found.path);
  json.key("status").string(found.status).key("why").bytes(found.why);
  json.key("rule").number_or_null(found.rule);
  json.key("kind").string_or_null(found.key ? std::optional(found.key->kind) : std::nullopt);
  json.key("id").string_or_null(found.key ? std::optional(found.key->id) : std::nullopt);
  json.key("reject");
  write_reject(json, found.row && found.row->reject ? &*found.row->reject : nullptr);
  json.key("serving");
  if (found.row && found.row->serving_last_good()) {
    json.string("last-good");
  } else {
    json.null();
  }
  json.close('}');
  return response;
}

Result<Response> check(const Call& call) {
  JCN_CHECK(call.parameters.allow({"kind", "root", "path"}));
  const auto rules = call.service.rules();
  const std::string* kind = call.parameters.find("kind");
  const std::string* path = call.parameters.find("path");
  FragmentName name{"", path ? *path : "body.json"};
  if (const std::string* root = call.parameters.find("root")) {
    name.root = *root;
  } else if (const auto roots = call.service.status().roots; !roots.empty()) {
    name.root = roots.front().name;
  }

  Verdict verdict;
  if (rules->ignored(name.path)) {
    verdict.status = "ignored";
    verdict.why = "A file of this name is ignored.";
  } else if (const Rule* rule = rule_for(*rules, name, kind)) {
    verdict = judge(*rules, *rule, name, call.request.body);
  } else if (kind) {
    return Error{Code::no_such_kind, "No rule gives the kind '" + *kind + "'."};
  } else {
    verdict.status = "ignored";
    verdict.why = "No rule matches a file of this name.";
  }

  Response response = no_store();
  JsonWriter json(response.body);
  json.open('{').key("ok").boolean(verdict.ok).key("status").string(verdict.status);
  json.key("kind").string_or_null(verdict.key ? std::optional(verdict.key->kind) : std::nullopt);
  json.key("id").string_or_null(verdict.key ? std::optional(verdict.key->id) : std::nullopt);
  json.key("reject");
  write_reject(json, verdict.reject ? &*verdict.reject : nullptr);
  if (!verdict.why.empty()) json.key("why").string(verdict.why);
  json.close('}');
  return response;
}

}  // namespace jcn
