// GET /v1/rejects, GET /v1/explain, POST /v1/check: what is wrong with a file, or would be.
#include <algorithm>

#include "deep_stack.h"
#include "jcn/judge.h"
#include "jcn/time_text.h"
#include "page_token.h"
#include "reject_json.h"
#include "routes.h"

namespace jcn {
namespace {

constexpr std::uint64_t default_size = 100, largest_size = 1000;  // rows
constexpr std::string_view rejects_listing = "/rejects";          // no kind has a '/'

void write_last_good(JsonWriter& json, bool last_good) {
  json.key("serving");
  if (last_good) {
    json.string("last-good");
  } else {
    json.null();
  }
}

void write_row(JsonWriter& json, const FragmentName& name, const FileRow& row) {
  json.open('{').key("root").string(name.root).key("path").bytes(name.path);
  write_reject_members(json, *row.reject);
  json.key("since").string(rfc3339(row.since_ns));
  write_last_good(json, row.serving_last_good());
  json.close('}');
}

// The rule that a file there has; with a kind that another rule gives, the first rule of that kind.
const Rule* rule_for(const Rules& rules, const FragmentName& name, const std::string* kind) {
  const Rule* found = rules.find(name);
  if (!kind || (found && found->kind == *kind)) return found;
  const auto rule = std::find_if(rules.rules.begin(), rules.rules.end(),
                                 [&](const Rule& candidate) { return candidate.kind == *kind; });
  return rule == rules.rules.end() ? nullptr : &*rule;
}

// Paths are shown with \xNN for bytes that are no UTF-8; so they may be given, and so may control
// characters, which no query string can hold. Absent: there is nothing of the kind in the text.
std::optional<std::string> unescaped(std::string_view text) {
  const auto hex = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 256;
  };
  std::string out;
  bool found = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && text.size() - i >= 4 && text[i + 1] == 'x') {
      const int byte = hex(text[i + 2]) * 16 + hex(text[i + 3]);
      if (byte < 0x20 || (byte >= 0x7F && byte <= 0xFF)) {
        out += static_cast<char>(byte);
        found = true;
        i += 3;
        continue;
      }
    }
    out += text[i];
  }
  return found ? std::optional(std::move(out)) : std::nullopt;
}

// Without the doubled slashes and the '.' that scripts leave in paths; "..", which only the file
// system can follow, is refused. Absolute ones, as `begin` says, keep their first slash.
Result<std::string> plain_path(std::string_view path, std::string_view begin) {
  std::string plain;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view name = path.substr(at, end - at);
    at = end + 1;
    if (name.empty() || name == ".") continue;
    if (name == "..")
      return Error{Code::bad_parameter, "The path has a '..' in it.",
                   "Name the file from its root on, or by its absolute path."};
    plain += plain.empty() ? begin : "/";
    plain += name;
  }
  if (plain.empty() && begin.empty())
    return Error{Code::bad_parameter, "Which file? Give path= (absolute), or root= and path=."};
  return plain.empty() ? std::string(begin) : plain;
}

Result<Explanation> explain_path(Service& service, const std::string* root,
                                 const std::string& path) {
  if (root) return service.explain({*root, path});
  JCN_TRY(const FragmentName name, service.locate(path));
  return service.explain(name);
}

// A file that is called what the text says, if jcn knows one; else the text stands for bytes.
Result<Explanation> explain_shown(Service& service, const std::string* root,
                                  const std::string& path) {
  auto as_text = explain_path(service, root, path);
  const auto bytes = unescaped(path);
  if (!bytes || (as_text && as_text->row)) return as_text;
  auto as_bytes = explain_path(service, root, *bytes);
  return as_bytes ? as_bytes : as_text;
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
  JCN_TRY(const std::string plain, plain_path(*path, root ? "" : "/"));
  JCN_TRY(const Explanation found, explain_shown(call.service, root, plain));

  Response response = no_store();
  JsonWriter json(response.body);
  json.open('{').key("root").string(found.root).key("path").bytes(found.path);
  json.key("status").string(found.status).key("why").bytes(found.why);
  json.key("rule").number_or_null(found.rule);
  json.key("kind").string_or_null(found.key ? std::optional(found.key->kind) : found.kind);
  json.key("id").string_or_null(found.key ? std::optional(found.key->id) : std::nullopt);
  const bool rejected = found.row && found.row->reject;
  json.key("reject");
  write_reject(json, rejected ? &*found.row->reject : nullptr);
  json.key("since").string_or_null(rejected ? std::optional(rfc3339(found.row->since_ns))
                                            : std::nullopt);
  write_last_good(json, found.row && found.row->serving_last_good());
  json.close('}');
  return response;
}

Result<Response> check(const Call& call) {
  JCN_CHECK(call.parameters.allow({"kind", "root", "path"}));
  const auto rules = call.service.rules();
  const std::string* kind = call.parameters.find("kind");
  const std::string* path = call.parameters.find("path");
  JCN_TRY(const std::string plain, plain_path(path ? *path : "body.json", ""));
  FragmentName name{"", unescaped(plain).value_or(plain)};
  const std::vector<RootStatus> roots = call.service.status().roots;
  const std::string* root = call.parameters.find("root");
  if (root) {
    name.root = *root;
  } else if (!roots.empty()) {
    name.root = roots.front().name;
  }
  if (root && std::none_of(roots.begin(), roots.end(),
                           [&](const RootStatus& one) { return one.name == *root; }))
    return Error{Code::no_such_root, "There is no root '" + *root + "'."};
  const Rule* rule = rule_for(*rules, name, kind);
  std::string why;
  if (rules->ignored(name.path)) {
    why = "A file of this name is ignored.";
  } else if (!rule && kind) {
    return Error{Code::no_such_kind, "No rule gives the kind '" + *kind + "'."};
  } else if (!rule) {
    why = "No rule matches a file of this name.";
  }
  if (!why.empty()) {
    Response response = no_store();
    JsonWriter json(response.body);
    json.open('{').key("ok").boolean(false).key("status").string("ignored");
    json.key("kind").null().key("id").null().key("reject").null();
    json.key("why").string(why).close('}');
    return response;
  }
  return on_deep_stack(rules->limits.max_depth, [&]() -> Result<Response> {
    const auto verdict = judge(*rules, *rule, name, call.request.body);
    const auto* good = std::get_if<GoodFragment>(&verdict);
    Response response = no_store();
    JsonWriter json(response.body);
    json.open('{').key("ok").boolean(good != nullptr);
    json.key("status").string(good ? "indexed" : "rejected");
    json.key("kind").string(rule->kind);
    json.key("id").string_or_null(good ? std::optional(good->key.id) : std::nullopt);
    json.key("reject");
    write_reject(json, good ? nullptr : &std::get<Reject>(verdict));
    json.close('}');
    return response;
  });
}

}  // namespace jcn
