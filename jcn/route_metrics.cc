// GET /metrics: what metric_table.h names.
#include "metrics_text.h"
#include "routes.h"

namespace jcn {
namespace {

void write_index(MetricsText& text, const Call& call, const Status& now, const Snapshot& snapshot) {
  const IndexCounts counts = snapshot.counts();
  for (const auto& [kind, count] : counts.records)
    text.value(metric_row("jcn_records"), count, {{"kind", kind}});
  text.value(metric_row("jcn_fragments"), counts.fragments);
  text.value(metric_row("jcn_rejects"), counts.rejects);
  text.value(metric_row("jcn_sequence"), snapshot.seq());
  text.value(metric_row("jcn_index_bytes"), now.index_bytes);
  text.value(metric_row("jcn_index_usable"), call.service.answering() ? 1 : 0);
  if (now.readers) {
    text.value(metric_row("jcn_index_readers"), now.readers->count);
    text.value(metric_row("jcn_index_oldest_reader_commits"), now.readers->oldest_behind);
  }
}

void write_intake(MetricsText& text, const Status& now) {
  text.histogram(metric_row("jcn_visible_seconds"), now.intake.visible);
  text.value(metric_row("jcn_fragments_read_total"), now.fragments_read);
  // All of them, so that the first of a kind is seen to grow from nothing.
  for (const CodeRow& row : code_table) {
    if (!row.reject) continue;
    const std::uint64_t count = now.intake.rejected[static_cast<std::size_t>(row.code)];
    text.value(metric_row("jcn_rejected_total"), count, {{"code", row.name}});
  }
  text.value(metric_row("jcn_queue"), now.queue);
  text.value(metric_row("jcn_memory_waits_total"), now.memory_waits);
}

void write_folders(MetricsText& text, const Status& now, bool ready) {
  text.value(metric_row("jcn_ready"), ready ? 1 : 0);
  text.value(metric_row("jcn_crawl_running"), now.crawl_state == "running" ? 1 : 0);
  text.value(metric_row("jcn_crawl_files"), now.crawl_total);
  text.value(metric_row("jcn_crawl_files_done"), now.crawl_done);
  text.value(metric_row("jcn_recrawls_total"), now.recrawls);
  text.value(metric_row("jcn_audits_total"), now.audits);
  text.value(metric_row("jcn_folders_watched"), now.folders_watched);
  text.value(metric_row("jcn_folders_polled"), now.folders_polled);
  if (now.watch_limit > 0) text.value(metric_row("jcn_watches_limit"), now.watch_limit);
}

void write_folds(MetricsText& text, const Status& now) {
  text.value(metric_row("jcn_fresh_records"), now.fresh);
  text.value(metric_row("jcn_fresh_bytes"), now.fresh_bytes);
  text.value(metric_row("jcn_fresh_limit_bytes"), now.fresh_limit_bytes);
  text.histogram(metric_row("jcn_fold_seconds"), now.folds.fold_took);
  text.value(metric_row("jcn_fold_failures_total"), now.folds.failed_folds);
  text.value(metric_row("jcn_merges_total"), now.folds.merges);
  text.value(metric_row("jcn_merge_failures_total"), now.folds.failed_merges);
  text.value(metric_row("jcn_scrubs_total"), now.upkeep.scrubs);
  text.value(metric_row("jcn_last_scrub_seconds"),
             static_cast<std::uint64_t>(now.upkeep.last_scrub_ns / 1'000'000'000));
  text.value(metric_row("jcn_damage_found_total"), now.upkeep.damage_found);
  text.value(metric_row("jcn_index_rewrites_total"), now.upkeep.rewrites);
}

// Routes and statuses that never answered are left out: most are never met.
void write_answers(MetricsText& text, const AnswerCounters& answers) {
  const std::span<const RouteRow> routes = route_table();
  const auto each = [&](const auto& write) {
    for (std::size_t i = 0; i < routes.size(); ++i)
      write(i, method_name(routes[i].method), routes[i].path);
    write(routes.size(), std::string_view(), std::string_view());
  };
  each([&](std::size_t route, std::string_view method, std::string_view path) {
    for (const StatusRow& row : status_table) {
      const std::uint64_t count = answers.answers(route, row.status);
      if (count == 0) continue;
      text.value(metric_row("jcn_http_answers_total"), count,
                 {{"method", method}, {"route", path}, {"status", std::to_string(row.status)}});
    }
  });
  each([&](std::size_t route, std::string_view method, std::string_view path) {
    const LatencyReading took = answers.took(route);
    if (took.total() == 0) return;
    text.histogram(metric_row("jcn_http_answer_seconds"), took,
                   {{"method", method}, {"route", path}});
  });
}

void write_http(MetricsText& text, const Call& call) {
  const HttpCounters& http = *call.service.http;
  text.value(metric_row("jcn_http_requests_total"), http.requests);
  text.value(metric_row("jcn_http_refused_total"), http.refused);
  text.value(metric_row("jcn_http_given_up_total"), http.given_up);
  write_answers(text, call.service.answers);
  text.value(metric_row("jcn_feeds"), call.service.feeds().taken());
  text.value(metric_row("jcn_feeds_refused_total"), call.service.feeds().refused());
  const FragmentFiles& files = call.service.fragments();
  text.value(metric_row("jcn_fragments_written_total"), files.written());
  text.value(metric_row("jcn_fragments_removed_total"), files.removed());
  text.value(metric_row("jcn_preconditions_failed_total"), files.refused());
}

void write_webhooks(MetricsText& text, const std::vector<WebhookStatus>& webhooks) {
  const auto each = [&](const MetricRow& row, std::uint64_t WebhookStatus::*member) {
    for (const WebhookStatus& webhook : webhooks)
      text.value(row, webhook.*member, {{"webhook", webhook.name}});
  };
  each(metric_row("jcn_webhook_behind"), &WebhookStatus::behind);
  each(metric_row("jcn_webhook_failures"), &WebhookStatus::parked);
  each(metric_row("jcn_webhook_given_up"), &WebhookStatus::given_up);
  each(metric_row("jcn_webhook_place_failures_total"), &WebhookStatus::place_failures);
  each(metric_row("jcn_webhook_delivered_total"), &WebhookStatus::delivered);
  each(metric_row("jcn_webhook_failed_posts_total"), &WebhookStatus::failed_posts);
}

}  // namespace

Result<Response> metrics(const Call& call) {
  JCN_CHECK(call.parameters.allow({}));
  const Status now = call.service.status();
  JCN_TRY(const Snapshot snapshot, call.service.snapshot());
  Response response = no_store();
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  MetricsText text(response.body);
  write_index(text, call, now, snapshot);
  write_intake(text, now);
  write_folders(text, now, call.service.readiness().ready);
  write_folds(text, now);
  write_http(text, call);
  write_webhooks(text, call.service.webhooks().list(snapshot.seq()));
  return response;
}

}  // namespace jcn
