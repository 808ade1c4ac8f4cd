// GET, PUT, DELETE /v1/fragments/{root}/{path}: the files themselves.
#include "route_fragments.h"

#include <algorithm>
#include <variant>

#include "access_token.h"
#include "deep_stack.h"
#include "eligible_name.h"
#include "entity_tag.h"
#include "jcn/judge.h"
#include "jcn/time_text.h"
#include "json_writer.h"

namespace jcn {
namespace {

// Beyond that the answer says that the file is written, and not visible yet.
constexpr std::chrono::seconds longest_wait{10};

// All of one name: a list may come in several lines (RFC 9110 §5.3).
std::optional<std::string> joined(const Request& request, std::string_view name) {
  std::optional<std::string> all;
  for (const Header& header : request.headers) {
    if (!equal_ignoring_case(header.name, name)) continue;
    if (all) {
      all->append(", ").append(header.value);
    } else {
      all = header.value;
    }
  }
  return all;
}

Result<void> may_read(const Call& call, const std::string& root) {
  if (!call.request.token || call.request.token->reaches(root)) return {};
  return Error{Code::forbidden, "The token does not reach the root '" + root + "'."};
}

// The verdict on bytes of that name; absent: they are good.
std::optional<Response> fault_of(const Rules& rules, const Rule& rule, const FragmentName& name,
                                 std::string_view bytes) {
  auto judged = on_deep_stack(rules.limits.max_depth, [&]() -> Result<Response> {
    const auto verdict = judge(rules, rule, name, bytes);
    if (const auto* reject = std::get_if<Reject>(&verdict)) return problem(*reject);
    return Response{};
  });
  if (!judged) return problem(judged.error());
  if (judged->status == 200) return std::nullopt;
  return std::move(*judged);
}

Result<std::optional<Response>> changed(const Call& call, FragmentChange& change) {
  JCN_CHECK(may_write(call, change.name.root));
  const auto rules = call.service.rules();
  const std::uint64_t max_bytes = rules->limits.max_bytes;
  FragmentFiles& files = call.service.fragments();
  if (const auto& present = change.precondition.if_present)
    JCN_CHECK(eligible_rule(*rules, {change.name.root, *present}));
  if (!change.bytes) {
    JCN_CHECK(eligible_rule(*rules, change.name));
    JCN_CHECK(files.remove(change.name, change.precondition, max_bytes));
    return std::optional<Response>();
  }
  JCN_TRY(const Rule* rule, writable_rule(*rules, change.name));
  if (auto fault = fault_of(*rules, *rule, change.name, *change.bytes)) return fault;
  JCN_TRY(const WrittenFragment written,
          files.write(change.name, *change.bytes, change.precondition, max_bytes));
  change.status = written.created ? 201 : 200;
  change.content = written.content;
  return std::optional<Response>();
}

Result<Response> change_one(const Call& call, std::optional<std::string> bytes) {
  JCN_CHECK(call.parameters.allow({}));
  std::vector<FragmentChange> changes(1);
  FragmentChange& change = changes.front();
  change.name = {call.root, call.path};
  change.bytes = std::move(bytes);
  change.precondition = {joined(call.request, "If-Match"), joined(call.request, "If-None-Match")};
  if (const auto present = joined(call.request, "Jcn-If-Present")) {
    change.precondition.if_present = percent_decode(*present, false);
    if (!change.precondition.if_present)
      return Error{Code::bad_path, "Jcn-If-Present is no percent-encoded path."};
  }
  JCN_TRY(const FragmentFiles::Place place, call.service.fragments().enter());
  carry_out(call, change);
  if (change.problem) return *std::move(change.problem);
  wait_for(call, changes);

  Response response = no_store();
  response.status = change.seq ? change.status : 202;
  JsonWriter json(response.body);
  json.open('{').key("ok").boolean(true);
  json.key("root").string(change.name.root).key("path").string(change.name.path);
  json.key("etag");
  if (change.content) {
    const std::string tag = entity_tag(*change.content);
    response.headers.emplace_back("ETag", tag);
    json.string(tag);
  } else {
    json.null();
  }
  json.key("seq");
  if (change.seq) {
    JCN_TRY(const Snapshot snapshot, call.service.snapshot());
    const std::string seq = sequence_text(snapshot, *change.seq);
    response.headers.emplace_back("Jcn-Seq", seq);
    json.string(seq);
  } else {
    json.null();
  }
  json.close('}');
  return response;
}

// The content that the index has of a file, as canonical text.
Result<Response> last_good(const Call& call, const FragmentName& name) {
  const auto before = call.service.answering();
  if (!before) return incomplete_index();
  JCN_TRY(const Snapshot snapshot, call.service.snapshot());
  JCN_TRY(const std::optional<FileRow> row, snapshot.file(name));
  std::optional<std::string> text;
  if (row && row->contributes) {
    JCN_TRY(std::optional<Record> record, snapshot.record(*row->contributes));
    if (record && record->exists && record->fragments.size() == 1) {
      text = std::move(record->document);
    } else {
      JCN_TRY(text, snapshot.body(name));
    }
  }
  if (call.service.answering() != before) return incomplete_index();
  if (!text) return Error{Code::no_such_fragment, "There is no good content of such a file."};
  Response response;
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.headers.emplace_back("ETag", entity_tag(hash128(*text)));
  response.body = *std::move(text);
  return response;
}

Result<Response> stored(const Call& call, const FragmentName& name, std::uint64_t max_bytes) {
  JCN_TRY(StoredFragment file, call.service.fragments().read(name, max_bytes));
  Response response;
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.headers.emplace_back("ETag", entity_tag(file.content));
  response.headers.emplace_back("Last-Modified", http_date(file.facts.mtime_ns));
  response.body = std::move(file.bytes);
  return response;
}

}  // namespace

Result<void> may_write(const Call& call, const std::string& root) {
  const Request& request = call.request;
  if (!call.service.fragments().writable())
    return Error{Code::writing_off, "Files are not written through HTTP here.",
                 "Start jcn with --writable, or say writable = true in jcn.conf."};
  if (!request.token) {
    if (!request.tokens_exist) return {};
    return Error{Code::unauthorized, "To write, a request must carry a bearer token."};
  }
  if (!request.token->write)
    return Error{Code::forbidden, "The token is for reading only.",
                 "access = \"write\" of its [[token]] in jcn.conf would allow it."};
  if (!request.token->reaches(root))
    return Error{Code::forbidden, "The token does not reach the root '" + root + "'."};
  return {};
}

void carry_out(const Call& call, FragmentChange& change) {
  auto done = changed(call, change);
  if (!done) {
    call.service.failed(done.error());
    change.problem = problem(done.error());
  } else if (*done) {
    change.problem = *std::move(*done);
  }
}

void wait_for(const Call& call, std::vector<FragmentChange>& changes) {
  // Of several changes of one file the last one is to be seen.
  const auto overtaken = [&](std::size_t i) {
    return std::any_of(changes.begin() + static_cast<std::ptrdiff_t>(i) + 1, changes.end(),
                       [&](const FragmentChange& later) {
                         return !later.problem && later.name == changes[i].name;
                       });
  };
  std::vector<Awaited> awaited;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (!changes[i].problem && !overtaken(i))
      awaited.push_back({changes[i].name, changes[i].content});
  }
  if (awaited.empty()) return;
  const Result<SeenAt> seen = call.service.wait_until_seen(awaited, longest_wait);
  if (!seen) return;
  for (FragmentChange& change : changes) {
    if (change.problem) continue;
    const auto last = std::find_if(awaited.begin(), awaited.end(),
                                   [&](const Awaited& each) { return each.name == change.name; });
    if (seen->visible[static_cast<std::size_t>(last - awaited.begin())]) change.seq = seen->seq;
  }
}

Result<Response> get_fragment(const Call& call) {
  JCN_CHECK(call.parameters.allow({"version"}));
  JCN_CHECK(may_read(call, call.root));
  const FragmentName name{call.root, call.path};
  const auto rules = call.service.rules();
  JCN_CHECK(eligible_rule(*rules, name));
  const std::string* version = call.parameters.find("version");
  if (version && *version != "last-good")
    return Error{Code::bad_parameter, "The parameter 'version' can only be last-good."};
  JCN_TRY(Response response,
          version ? last_good(call, name) : stored(call, name, rules->limits.max_bytes));
  const auto condition = joined(call.request, "If-None-Match");
  if (condition && none_match_hits(*condition, *response.header("ETag"))) {
    response.status = 304;
    response.body.clear();
  }
  return response;
}

Result<Response> put_fragment(const Call& call) {
  return change_one(call, call.request.body);
}

Result<Response> remove_fragment(const Call& call) {
  return change_one(call, std::nullopt);
}

}  // namespace jcn
