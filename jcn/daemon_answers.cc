// What the daemon answers to the routes.
#include <algorithm>
#include <future>

#include "daemon.h"
#include "eligible_name.h"
#include "jcn/wall_clock.h"
#include "memory_patience.h"
#include "watch_limit.h"

namespace jcn {

using std::chrono::steady_clock;

Result<Snapshot> Daemon::snapshot() {
  return writer_->snapshot();
}

std::shared_ptr<const Rules> Daemon::rules() {
  std::lock_guard guard(rules_lock_);
  return rules_;
}

std::chrono::milliseconds Daemon::query_timeout() {
  return config_.query_timeout;
}

Status Daemon::status() {
  Status status;
  status.index = config_.index;
  status.roots = roots_.status();
  const bool running = !ready_ || walker_->crawls_running() > 0;
  status.queue = pool_->waiting();
  status.crawl_state = running ? "running" : "done";
  status.crawl_total = walker_->files_found();
  status.crawl_done =
      status.crawl_total - std::min<std::uint64_t>(status.crawl_total, status.queue);
  status.recrawls = walker_->recrawls();
  status.audits = walker_->audits();
  status.fragments_read = pool_->files_read();
  const FreshStats fresh = writer_->fresh();
  status.fresh = fresh.records;
  status.fresh_bytes = fresh.bytes;
  status.fresh_limit_bytes = config_.fresh_limit_bytes;
  status.index_bytes = writer_->index_bytes();
  status.memory_waits = memory_waits();
  status.upkeep = caretaker_->upkeep();
  status.intake = ingest_->counts();
  status.folds = fold_->counts();
  status.folders_watched = walker_->watches();
  status.folders_polled = walker_->polled();
  status.watch_limit = watch_limit().watches;
  if (const Result<IndexReaders> readers = writer_->readers()) status.readers = *readers;
  return status;
}

Result<StatusHistory::Totals> Daemon::totals() {
  JCN_TRY(const Snapshot now, snapshot());
  const IndexCounts counts = now.counts();
  return StatusHistory::Totals{counts.fragments, counts.rejects, pool_->files_read(),
                               ingest_->counts().visible};
}

Result<std::vector<StatusHistory::Row>> Daemon::history(std::size_t minutes) {
  JCN_TRY(const StatusHistory::Totals now, totals());
  return history_.rows(minutes, now);
}

Readiness Daemon::readiness() {
  Readiness readiness;
  readiness.ready = ready_ && !stopping_ && caretaker_->answering() && !config_.roots.empty();
  if (stopping_) readiness.reasons.push_back({"stopping", "jcn is shutting down"});
  if (!ready_) readiness.reasons.push_back({"crawling", "the first crawl is not done yet"});
  for (Reason& reason : caretaker_->reasons()) readiness.reasons.push_back(std::move(reason));
  for (Reason& reason : roots_.reasons()) readiness.reasons.push_back(std::move(reason));
  for (Reason& reason : walker_->reasons()) readiness.reasons.push_back(std::move(reason));
  if (no_inotify_) {
    readiness.reasons.push_back(
        {"no_inotify", no_inotify_->message + "; every folder is polled. Raise the limit: sysctl "
                                              "fs.inotify.max_user_instances=512, then restart"});
  }
  if (waited_for_memory_within(std::chrono::seconds(10))) {
    readiness.reasons.push_back({"out_of_memory",
                                 "work waits for memory; raise MemoryMax= in the unit, or lower "
                                 "fresh_limit_bytes in [fold]"});
  }
  if (const std::optional<Error> error = ingest_->failing()) {
    readiness.reasons.push_back({"intake_failing", error->message});
  }
  if (const std::optional<Error> error = fold_->failing()) {
    readiness.reasons.push_back({"fold_failing", error->message +
                                                     "; answers go on from memory, the fold is "
                                                     "tried again every second"});
  }
  for (const WebhookStatus& each : webhooks_.list(0)) {
    if (each.place_error) {
      readiness.reasons.push_back(
          {"webhook_place_failing",
           "webhook " + each.name + ": how far it is can't be kept: " + *each.place_error +
               "; tried again, once a minute at least" +
               (each.state == "held" ? "; nothing is sent until then" : "")});
    }
    if (each.state != "stalled" && each.state != "gone") continue;
    readiness.reasons.push_back(
        {"webhook_" + each.state,
         "webhook " + each.name + ": " +
             (each.state == "gone" ? "its receiver answered that it is gone"
                                   : "its receiver refuses too many changes") +
             "; GET /v1/webhooks, and POST /v1/webhooks/" + each.name + "/replay goes on" +
             (each.state == "gone" ? "" : ", or /discard without those that were given up")});
  }
  if (const std::optional<Error> error = fold_->merge_failing()) {
    readiness.reasons.push_back({"merge_failing", error->message +
                                                      "; everything goes on, but the index is "
                                                      "larger than it needs to be; tried again "
                                                      "in some minutes at most"});
  }
  return readiness;
}

Result<SyncAnswer> Daemon::sync(std::chrono::milliseconds timeout, bool durable) {
  if (!sync_places_.try_acquire()) {
    return Error{Code::overloaded, "As many barriers wait as may wait at once.",
                 "Come back later; a quarter of http.threads of jcn.conf is how many may wait."};
  }
  const auto release = [](std::counting_semaphore<>* places) { places->release(); };
  const std::unique_ptr<std::counting_semaphore<>, decltype(release)> place(&sync_places_, release);
  const auto until = steady_clock::now() + timeout;
  const Error late{Code::sync_timeout, "not everything was visible within the time given",
                   "ask again, with a longer timeout_ms"};
  if (walker_->any_polled() || !inotify_) walker_->poll(ledger_.issue());
  JCN_TRY(std::future<Ledger::Epoch> raised, barrier_->raise());
  if (raised.wait_until(until) != std::future_status::ready) return late;
  if (!ledger_.wait_settled(raised.get(), until)) return late;
  SyncAnswer answer;
  answer.unsettled = pool_->unsettled();
  for (FolderName& folder : walker_->unsettled()) answer.unsettled.push_back(std::move(folder));
  std::sort(answer.unsettled.begin(), answer.unsettled.end());
  if (durable) JCN_CHECK(fold_->fold_now(until));
  answer.seq = writer_->seq();
  return answer;
}

// No barrier: that would also wait for what others are changing just now. Events of the same files
// find their looks done.
Result<SeenAt> Daemon::wait_until_seen(const std::vector<Awaited>& awaited,
                                       std::chrono::milliseconds timeout) {
  const std::int64_t asked_ns = wall_clock_ns();
  const auto published = std::make_shared<std::promise<void>>();
  std::future<void> done = published->get_future();
  {
    const Watcher watcher(this, [published](const void*) { published->set_value(); });
    const Ticket ticket = ledger_.issue_for_event();
    for (const Awaited& each : awaited)
      pool_->request(each.name, ticket, std::chrono::milliseconds(0), false, watcher);
  }
  if (done.wait_for(timeout) != std::future_status::ready)
    return Error{Code::sync_timeout, "not everything was visible within the time given"};
  JCN_TRY(const Snapshot now, snapshot());
  SeenAt seen;
  seen.seq = now.seq();
  for (const Awaited& each : awaited) {
    JCN_TRY(const std::optional<FileRow> row, now.file(each.name));
    // Something newer shows that it was there, too.
    if (row) {
      seen.visible.push_back(row->read_ns >= asked_ns ||
                             (each.content && row->content == *each.content));
    } else {
      const auto missing = [&] {
        const auto read = fragments_.read(each.name, 0);
        return !read && read.error().code == Code::no_such_fragment;
      };
      seen.visible.push_back(!each.content || missing());
    }
  }
  return seen;
}

Result<FragmentName> Daemon::locate(const std::string& absolute_path) {
  if (std::optional<FragmentName> name = roots_.locate(absolute_path)) return *std::move(name);
  return Error{Code::no_such_root, absolute_path + " lies beneath none of the roots",
               "GET /v1/status lists them"};
}

namespace {

// Of a file whose content is good.
Result<void> explain_good(const Snapshot& snapshot, Explanation& answer) {
  JCN_TRY(const std::optional<Record> record, snapshot.record(*answer.key));
  const bool orphan = !record || !record->exists;
  answer.status = orphan ? "orphan" : "indexed";
  if (orphan) {
    answer.why = "its kind wants an anchor fragment, and its record has none";
  } else if (record->fragments.size() == 1) {
    answer.why = "it is its record";
  } else {
    answer.why = "it is one of the " + std::to_string(record->fragments.size()) +
                 " files that its record is composed of";
  }
  return {};
}

}  // namespace

Result<Explanation> Daemon::explain(const FragmentName& name) {
  if (!roots_.known(name.root)) {
    return Error{Code::no_such_root, "there is no root '" + name.root + "'",
                 "GET /v1/status lists them"};
  }
  Explanation answer;
  answer.root = name.root;
  answer.path = name.path;
  const std::shared_ptr<const Rules> rules = this->rules();
  answer.status = "ignored";
  answer.why = why_ignored(*rules, name.path);
  if (!answer.why.empty()) return answer;
  const Rule* rule = rules->find(name);
  if (!rule) {
    answer.why = "no rule matches its path";
    return answer;
  }
  answer.rule = static_cast<std::size_t>(rule - rules->rules.data());
  answer.kind = rule->kind;
  const bool pending = pool_->pending(name);
  JCN_TRY(Snapshot snapshot, this->snapshot());
  JCN_TRY(answer.row, snapshot.file(name));
  if (answer.row) answer.key = answer.row->contributes;
  if (pending) {
    answer.status = "pending";
    answer.why = "it changed and is about to be read, or is waited for until it stops changing";
  } else if (!answer.row) {
    answer.why = "there is no such file, as far as jcn knows";
  } else if (answer.row->reject) {
    answer.status = "rejected";
    answer.why = answer.row->reject->message;
    if (answer.row->serving_last_good()) answer.why += "; its last good content is still served";
  } else {
    JCN_CHECK(explain_good(snapshot, answer));
  }
  if (roots_.state(name.root) == "offline")
    answer.why += "; its root is offline: this is what was known last";
  return answer;
}

Result<void> Daemon::accept(const std::string& root) {
  if (!roots_.known(root)) {
    return Error{Code::no_such_root, "there is no root '" + root + "'",
                 "GET /v1/status lists them"};
  }
  walker_->crawl(root, ledger_.issue(), false, true);
  return {};
}

}  // namespace jcn
