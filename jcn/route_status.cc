// The daemon about itself: GET /, /healthz, /readyz, /v1/status, /v1/status/history; POST /v1/sync,
// /v1/status/accept.
#include <array>
#include <charconv>
#include <chrono>

#include "jcn/time_text.h"
#include "json_writer.h"
#include "problem.h"
#include "routes.h"

namespace jcn {
namespace {

constexpr std::uint64_t default_sync_ms = 30'000, longest_sync_ms = 600'000;

void write_kinds(JsonWriter& json, const IndexCounts& counts) {
  json.open('{');
  for (const auto& [kind, count] : counts.records) json.key(kind).number(count);
  json.close('}');
}

void write_roots(JsonWriter& json, const std::vector<RootStatus>& roots) {
  json.open('[');
  for (const RootStatus& root : roots) {
    json.open('{').key("name").string(root.name).key("path").bytes(root.path);
    json.key("state").string(root.state).close('}');
  }
  json.close(']');
}

void write_upkeep(JsonWriter& json, const Upkeep& upkeep) {
  json.key("upkeep").open('{').key("state").string(upkeep.state);
  json.key("done").number(upkeep.done).key("total").number(upkeep.total);
  json.key("scrubs").number(upkeep.scrubs).key("last_scrub");
  if (upkeep.last_scrub_ns == 0) {
    json.null();
  } else {
    json.string(rfc3339(upkeep.last_scrub_ns));
  }
  json.key("damage_found").number(upkeep.damage_found).key("rewrites").number(upkeep.rewrites);
  json.key("asked").number(upkeep.asked).key("finished").number(upkeep.finished).key("failure");
  if (upkeep.failure.empty()) {
    json.null();
  } else {
    json.bytes(upkeep.failure);
  }
  json.close('}');
}

// Milliseconds, with as many digits as the clock gives.
void write_milliseconds(JsonWriter& json, const std::optional<std::chrono::nanoseconds>& time) {
  if (!time) {
    json.null();
    return;
  }
  std::array<char, 32> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(),
                    static_cast<double>(time->count()) / 1e6, std::chars_format::fixed, 3);
  json.raw({digits.data(), static_cast<std::size_t>(end.ptr - digits.data())});
}

}  // namespace

Result<Response> front_page(const Call& call) {
  JCN_CHECK(call.parameters.allow({}));
  JCN_TRY(const Snapshot snapshot, call.service.snapshot());
  Response response = no_store();
  JsonWriter json(response.body);
  json.open('{').key("name").string("jcn").key("version").string(JCN_VERSION);
  json.key("kinds").open('{');
  for (const auto& [kind, count] : snapshot.counts().records) {
    json.key(kind).open('{').key("records").number(count);
    json.key("url").string("/v1/" + kind).close('}');
  }
  json.close('}').key("links").open('{');
  for (const char* path :
       {"/v1/status", "/v1/rejects", "/healthz", "/readyz", "/metrics", "/openapi.json"})
    json.key(std::string_view(path).substr(std::string_view(path).rfind('/') + 1)).string(path);
  json.close('}').close('}');
  return response;
}

Result<Response> healthz(const Call& call) {
  JCN_CHECK(call.parameters.allow({}));
  Response response = no_store();
  response.body = "{\"ok\":true}";
  return response;
}

Result<Response> readyz(const Call& call) {
  JCN_CHECK(call.parameters.allow({}));
  const Readiness readiness = call.service.readiness();
  Response response = no_store();
  response.status = readiness.ready ? 200 : 503;
  if (!readiness.ready) response.headers.emplace_back("Retry-After", "1");
  JsonWriter json(response.body);
  json.open('{').key("ready").boolean(readiness.ready);
  json.key("degraded").boolean(readiness.ready && !readiness.reasons.empty());
  json.key("reasons").open('[');
  for (const Reason& reason : readiness.reasons) {
    json.open('{').key("code").string(reason.code).key("detail").bytes(reason.detail).close('}');
  }
  json.close(']').close('}');
  return response;
}

Result<Response> status(const Call& call) {
  JCN_CHECK(call.parameters.allow({}));
  const Status now = call.service.status();
  JCN_TRY(const Snapshot snapshot, call.service.snapshot());
  const IndexCounts counts = snapshot.counts();
  Response response = no_store();
  JsonWriter json(response.body);
  json.open('{').key("version").string(JCN_VERSION);
  json.key("uuid").string(snapshot.uuid());
  json.key("seq").string(sequence_text(snapshot, snapshot.seq()));
  json.key("index").bytes(now.index);
  json.key("kinds");
  write_kinds(json, counts);
  json.key("fragments").number(counts.fragments).key("rejects").number(counts.rejects);
  json.key("roots");
  write_roots(json, now.roots);
  json.key("crawl").open('{').key("state").string(now.crawl_state);
  json.key("done").number(now.crawl_done).key("total").number(now.crawl_total).close('}');
  json.key("recrawls").number(now.recrawls).key("fragments_read").number(now.fragments_read);
  json.key("fresh").number(now.fresh).key("queue").number(now.queue);
  json.key("index_bytes").number(now.index_bytes);
  write_upkeep(json, now.upkeep);
  json.close('}');
  return response;
}

Result<Response> status_history(const Call& call) {
  JCN_CHECK(call.parameters.allow({"minutes"}));
  JCN_TRY(const std::uint64_t minutes,
          call.parameters.number("minutes", 60, StatusHistory::most, 1));
  JCN_TRY(const std::vector<StatusHistory::Row> rows, call.service.history(minutes));
  Response response = no_store();
  JsonWriter json(response.body);
  json.open('{').key("step_s").number(static_cast<std::uint64_t>(StatusHistory::step.count()));
  json.key("rows").open('[');
  for (const StatusHistory::Row& row : rows) {
    json.open('{').key("since").string(rfc3339(row.since_ns));
    json.key("fragments").number(row.fragments).key("rejects").number(row.rejects);
    json.key("read").number(row.read).key("visible").open('{').key("count").number(row.visible);
    json.key("p50_ms");
    write_milliseconds(json, row.p50);
    json.key("p99_ms");
    write_milliseconds(json, row.p99);
    json.close('}').close('}');
  }
  json.close(']').close('}');
  return response;
}

Result<Response> accept_root(const Call& call) {
  JCN_CHECK(call.parameters.allow({"root"}));
  const std::string* root = call.parameters.find("root");
  if (!root || root->empty()) return Error{Code::bad_parameter, "Which root? Give root=NAME."};
  JCN_CHECK(call.service.accept(*root));
  Response response = no_store();
  JsonWriter(response.body).open('{').key("ok").boolean(true).key("root").string(*root).close('}');
  return response;
}

namespace {

Result<Response> written_anew(const Call& call, UpkeepWork work) {
  JCN_CHECK(call.parameters.allow({}));
  JCN_TRY(const std::uint64_t number, call.service.take_care(work));
  Response response = no_store();
  response.status = 202;
  JsonWriter(response.body)
      .open('{')
      .key("ok")
      .boolean(true)
      .key("asked")
      .number(number)
      .close('}');
  return response;
}

}  // namespace

Result<Response> compact(const Call& call) {
  return written_anew(call, UpkeepWork::compact);
}

Result<Response> reindex(const Call& call) {
  return written_anew(call, UpkeepWork::reindex);
}

Result<Response> sync(const Call& call) {
  JCN_CHECK(call.parameters.allow({"timeout_ms", "durable"}));
  JCN_TRY(const std::uint64_t timeout,
          call.parameters.number("timeout_ms", default_sync_ms, longest_sync_ms));
  JCN_TRY(const bool durable, call.parameters.flag("durable"));
  // No snapshot is held while waiting.
  JCN_TRY(
      const SyncAnswer done,
      call.service.sync(std::chrono::milliseconds(static_cast<std::int64_t>(timeout)), durable));
  JCN_TRY(const Snapshot snapshot, call.service.snapshot());
  Response response = no_store();
  const std::string seq = sequence_text(snapshot, done.seq);
  response.headers.emplace_back("Jcn-Seq", seq);
  JsonWriter json(response.body);
  json.open('{').key("seq").string(seq).key("unsettled").open('[');
  for (const FragmentName& name : done.unsettled) {
    json.open('{').key("root").string(name.root).key("path").bytes(name.path).close('}');
  }
  json.close(']').close('}');
  return response;
}

}  // namespace jcn
