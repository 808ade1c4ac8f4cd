// Every metric of GET /metrics, once: name, type, help, labels. jcn/doc/metrics.md is checked
// against it.
#pragma once

#include <array>
#include <string_view>

namespace jcn {

enum class MetricType : std::uint8_t { gauge, counter, histogram };

struct MetricRow {
  std::string_view name;
  MetricType type;
  std::string_view help;
  std::string_view labels = {};  // their names, with spaces between
};

inline constexpr std::array metric_table = {
    // What the index holds.
    MetricRow{"jcn_records", MetricType::gauge, "Records, by kind.", "kind"},
    MetricRow{"jcn_fragments", MetricType::gauge, "Eligible files known, rejected ones too."},
    MetricRow{"jcn_rejects", MetricType::gauge, "Files that are rejected now."},
    MetricRow{"jcn_sequence", MetricType::gauge, "The largest sequence number given."},
    MetricRow{"jcn_index_bytes", MetricType::gauge, "Bytes used by the index."},
    MetricRow{"jcn_index_usable", MetricType::gauge,
              "0 while nothing is answered from a damaged index."},
    MetricRow{"jcn_index_readers", MetricType::gauge,
              "States of the index that some process has open."},
    MetricRow{"jcn_index_oldest_reader_commits", MetricType::gauge,
              "Commits since the oldest of these; what was freed since cannot be used again."},
    // From a drop to an answer.
    MetricRow{"jcn_visible_seconds", MetricType::histogram,
              "From the event that tells of a file's change to its being visible."},
    MetricRow{"jcn_fragments_read_total", MetricType::counter, "File reads since start."},
    MetricRow{"jcn_rejected_total", MetricType::counter,
              "Verdicts against a file that became visible, by code.", "code"},
    MetricRow{"jcn_queue", MetricType::gauge, "Looks at files waiting or under way."},
    MetricRow{"jcn_memory_waits_total", MetricType::counter, "Times that work waited for memory."},
    // Folders.
    MetricRow{"jcn_ready", MetricType::gauge, "1 once the first crawl is done."},
    MetricRow{"jcn_crawl_running", MetricType::gauge, "1 while folders are gone over."},
    MetricRow{"jcn_crawl_files", MetricType::gauge, "Files found by crawls since start."},
    MetricRow{"jcn_crawl_files_done", MetricType::gauge, "Of these, files that were looked at."},
    MetricRow{"jcn_recrawls_total", MetricType::counter, "Recrawls since start."},
    MetricRow{"jcn_audits_total", MetricType::counter, "Audits of all folders since start."},
    MetricRow{"jcn_folders_watched", MetricType::gauge, "Folders watched; each needs a watch."},
    MetricRow{"jcn_folders_polled", MetricType::gauge, "Folders polled instead."},
    MetricRow{"jcn_watches_limit", MetricType::gauge, "Watches that the system allows this user."},
    // What is fresh, and written.
    MetricRow{"jcn_fresh_records", MetricType::gauge, "Record changes not folded yet."},
    MetricRow{"jcn_fresh_bytes", MetricType::gauge, "Memory that they take, about."},
    MetricRow{"jcn_fresh_limit_bytes", MetricType::gauge, "Beyond which changes wait for a fold."},
    MetricRow{"jcn_fold_seconds", MetricType::histogram, "Folds, and how long they took."},
    MetricRow{"jcn_fold_failures_total", MetricType::counter, "Folds that failed; tried again."},
    MetricRow{"jcn_merges_total", MetricType::counter, "Merges of segments."},
    MetricRow{"jcn_merge_failures_total", MetricType::counter, "Merges that failed; tried again."},
    // Upkeep of the index.
    MetricRow{"jcn_scrubs_total", MetricType::counter, "Looks through the whole index for damage."},
    MetricRow{"jcn_last_scrub_seconds", MetricType::gauge,
              "When the last of them ended, since the epoch."},
    MetricRow{"jcn_damage_found_total", MetricType::counter,
              "Times that the index was found damaged."},
    MetricRow{"jcn_index_rewrites_total", MetricType::counter, "Generations written since start."},
    // Those who ask.
    MetricRow{"jcn_http_requests_total", MetricType::counter, "Requests, refused ones too."},
    MetricRow{"jcn_http_refused_total", MetricType::counter, "Requests that no route saw."},
    MetricRow{"jcn_http_given_up_total", MetricType::counter,
              "Connections of clients that were too slow."},
    MetricRow{"jcn_http_answers_total", MetricType::counter,
              "Answers by route and status; an empty route: there is none.", "method route status"},
    MetricRow{"jcn_http_answer_seconds", MetricType::histogram,
              "How long it took to make an answer, without sending it.", "method route"},
    MetricRow{"jcn_feeds", MetricType::gauge, "Feeds that wait for changes."},
    MetricRow{"jcn_feeds_refused_total", MetricType::counter, "Feeds that found no place to wait."},
    MetricRow{"jcn_fragments_written_total", MetricType::counter, "Files written through the API."},
    MetricRow{"jcn_fragments_removed_total", MetricType::counter, "Files removed through the API."},
    MetricRow{"jcn_preconditions_failed_total", MetricType::counter,
              "Writes that met another file than they were meant for."},
    // Those who are told.
    MetricRow{"jcn_webhook_behind", MetricType::gauge, "Sequence numbers up to the head.",
              "webhook"},
    MetricRow{"jcn_webhook_failures", MetricType::gauge, "Changes that were not taken.", "webhook"},
    MetricRow{"jcn_webhook_given_up", MetricType::gauge, "Of these, those not tried again.",
              "webhook"},
    MetricRow{"jcn_webhook_place_failures_total", MetricType::counter,
              "Times that its place could not be read or kept.", "webhook"},
    MetricRow{"jcn_webhook_delivered_total", MetricType::counter, "Changes delivered.", "webhook"},
    MetricRow{"jcn_webhook_failed_posts_total", MetricType::counter, "Requests that failed.",
              "webhook"},
};

// The row of that name; another one does not compile.
consteval const MetricRow& metric_row(std::string_view name) {
  for (const MetricRow& row : metric_table) {
    if (row.name == name) return row;
  }
  throw "no such metric";
}

}  // namespace jcn
