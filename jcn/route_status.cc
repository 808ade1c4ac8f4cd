// The daemon about itself: GET /, /healthz, /readyz, /metrics, /v1/status; POST /v1/sync,
// /v1/status/accept.
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

// One metric in Prometheus' text format, version 0.0.4.
void metric(std::string& out, std::string_view name, std::string_view type, std::string_view help,
            std::uint64_t value) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name);
  out.append(" ").append(type).append("\n").append(name).append(" ");
  out.append(std::to_string(value)).append("\n");
}

// One gauge or counter of each webhook. Their names need no escapes.
void webhook_metric(std::string& out, std::string_view name, std::string_view type,
                    std::string_view help, const std::vector<WebhookStatus>& webhooks,
                    std::uint64_t WebhookStatus::*member) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name);
  out.append(" ").append(type).append("\n");
  for (const WebhookStatus& each : webhooks) {
    out.append(name).append("{webhook=\"").append(each.name).append("\"} ");
    out.append(std::to_string(each.*member)).append("\n");
  }
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

Result<Response> metrics(const Call& call) {
  JCN_CHECK(call.parameters.allow({}));
  const Status now = call.service.status();
  const bool ready = call.service.readiness().ready;
  JCN_TRY(const Snapshot snapshot, call.service.snapshot());
  const IndexCounts counts = snapshot.counts();
  Response response = no_store();
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  std::string& out = response.body;
  out += "# HELP jcn_records Records, by kind.\n# TYPE jcn_records gauge\n";
  // Kinds are [a-z][a-z0-9_-]*: nothing to escape.
  for (const auto& [kind, count] : counts.records)
    out += "jcn_records{kind=\"" + kind + "\"} " + std::to_string(count) + '\n';
  metric(out, "jcn_fragments", "gauge", "Eligible files known, rejected ones too.",
         counts.fragments);
  metric(out, "jcn_rejects", "gauge", "Files that are rejected now.", counts.rejects);
  metric(out, "jcn_sequence", "counter", "The largest sequence number given.", snapshot.seq());
  metric(out, "jcn_fragments_read_total", "counter", "File reads since start.", now.fragments_read);
  metric(out, "jcn_recrawls_total", "counter", "Recrawls since start.", now.recrawls);
  metric(out, "jcn_audits_total", "counter", "Audits of all folders since start.", now.audits);
  metric(out, "jcn_fresh_records", "gauge", "Record changes not folded yet.", now.fresh);
  metric(out, "jcn_queue", "gauge", "Looks at files waiting or under way.", now.queue);
  metric(out, "jcn_index_bytes", "gauge", "Bytes used by the index.", now.index_bytes);
  metric(out, "jcn_feeds", "gauge", "Feeds that wait for changes.", call.service.feeds().taken());
  metric(out, "jcn_feeds_refused_total", "counter", "Feeds that found no place to wait.",
         call.service.feeds().refused());
  metric(out, "jcn_memory_waits_total", "counter", "Times that work waited for memory.",
         now.memory_waits);
  metric(out, "jcn_scrubs_total", "counter", "Looks through the whole index for damage.",
         now.upkeep.scrubs);
  metric(out, "jcn_last_scrub_seconds", "gauge", "When the last of them ended, since the epoch.",
         static_cast<std::uint64_t>(now.upkeep.last_scrub_ns / 1'000'000'000));
  metric(out, "jcn_damage_found_total", "counter", "Times that the index was found damaged.",
         now.upkeep.damage_found);
  metric(out, "jcn_index_rewrites_total", "counter", "Generations written since start.",
         now.upkeep.rewrites);
  metric(out, "jcn_index_usable", "gauge", "0 while nothing is answered from a damaged index.",
         call.service.answering() ? 1 : 0);
  const FragmentFiles& files = call.service.fragments();
  metric(out, "jcn_fragments_written_total", "counter", "Files written through the API.",
         files.written());
  metric(out, "jcn_fragments_removed_total", "counter", "Files removed through the API.",
         files.removed());
  metric(out, "jcn_preconditions_failed_total", "counter",
         "Writes that met another file than they were meant for.", files.refused());
  if (const auto hooks = call.service.webhooks().list(snapshot.seq()); !hooks.empty()) {
    webhook_metric(out, "jcn_webhook_behind", "gauge", "Sequence numbers up to the head.", hooks,
                   &WebhookStatus::behind);
    webhook_metric(out, "jcn_webhook_failures", "gauge", "Changes that were not taken.", hooks,
                   &WebhookStatus::parked);
    webhook_metric(out, "jcn_webhook_delivered_total", "counter", "Changes delivered.", hooks,
                   &WebhookStatus::delivered);
    webhook_metric(out, "jcn_webhook_failed_posts_total", "counter", "Requests that failed.", hooks,
                   &WebhookStatus::failed_posts);
  }
  const HttpCounters& http = *call.service.http;
  metric(out, "jcn_http_requests_total", "counter", "Requests, refused ones too.", http.requests);
  metric(out, "jcn_http_refused_total", "counter", "Requests that no route saw.", http.refused);
  metric(out, "jcn_http_given_up_total", "counter", "Connections of clients that were too slow.",
         http.given_up);
  metric(out, "jcn_ready", "gauge", "1 once the first crawl is done.", ready ? 1 : 0);
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
