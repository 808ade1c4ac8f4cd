#include "daemon.h"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <future>
#include <utility>

#include "crash_note.h"
#include "jcn/check.h"
#include "jcn/verify_child.h"
#include "jcn/verify_content.h"
#include "jcn/wall_clock.h"
#include "log.h"
#include "memory_patience.h"
#include "unchanged_files.h"

namespace jcn {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t reading_threads = 2;
// Beyond so many unread events the kernel's own queue holds them, and may overflow: that means a
// recrawl, not memory without bound.
constexpr std::size_t backlog_bound = 65'536;
constexpr std::chrono::milliseconds backlog_pause{5};
constexpr std::chrono::milliseconds event_retry{1000};
constexpr std::chrono::seconds last_words_patience{1};  // of feeds, when jcn ends

const char* const rules_note = "rules";  // what offline tools compose with
// What verdicts depend on: at the last crawl that went to its end, and at the last that was begun.
// An index in which either differs from the configuration holds verdicts of another one.
const char* const judged_note = "judged";
const char* const judging_note = "judging";
// All records have `_since` where they should. An index of a format that had none, and that was
// written anew, lacks it: its files are read again, with the verdicts that there are.
const char* const since_note = "since";

// The examination of the index in a process of its own, this very program: forking one with many
// threads is no way.
ExaminationChild examination(bool idle, std::function<bool()> stopped) {
  return {{"/proc/self/exe", examine_option}, idle, std::move(stopped)};
}

const char* rebuilt_word(Rebuilt rebuilt) {
  switch (rebuilt) {
    case Rebuilt::upgraded:
      return "upgraded";
    case Rebuilt::repaired:
      return "repaired";
    default:
      return "begun anew";
  }
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::open(const DaemonConfig& config,
                                             boost::asio::io_context& io,
                                             const std::function<bool(std::string)>& go_on) {
  // Before the first look into it: the index may be what ends the process.
  note_crashes(crash_mark(config.index));
  WriterOptions options;
  options.map_bytes = config.map_bytes;
  options.fresh_limit_bytes = config.fresh_limit_bytes;
  options.tombstones_kept = config.tombstones_kept;
  options.examine = [&](const std::string& index) {
    log_warning("index_examined", "the index is looked through before it is used");
    return examine_in_child(
        index, examination(false, [&] { return !go_on("looking through the index"); }));
  };
  options.read_again = unchanged_files(
      config.roots, [rules = std::make_shared<const Rules>(config.rules)] { return rules; });
  options.go_on = [&](std::uint64_t done, std::uint64_t of) {
    return go_on("writing the index anew: " + std::to_string(done) + " of " + std::to_string(of) +
                 " records");
  };
  JCN_TRY(std::unique_ptr<IndexWriter> writer, IndexWriter::open(config.index, options));
  if (!writer->rebuilt_because().empty()) {
    log_warning("index_renewed", "index {}: {}", rebuilt_word(writer->rebuilt()),
                writer->rebuilt_because());
  }
  std::optional<Inotify> inotify;
  std::optional<Error> no_inotify;
  if (Result<Inotify> opened = Inotify::open()) {
    inotify = std::move(*opened);
  } else {
    no_inotify = opened.error();
  }
  std::unique_ptr<Daemon> daemon(
      new Daemon(config, io, std::move(writer), std::move(inotify), std::move(no_inotify)));
  daemon->finish_left_behind();
  const Inotify* watched = daemon->inotify_ ? &*daemon->inotify_ : nullptr;
  JCN_TRY(daemon->barrier_, Barrier::open(config.index, watched, daemon->ledger_));
  return daemon;
}

Daemon::Daemon(const DaemonConfig& config, boost::asio::io_context& io,
               std::unique_ptr<IndexWriter> writer, std::optional<Inotify> inotify,
               std::optional<Error> no_inotify)
    : config_(config),
      io_(io),
      rules_(std::make_shared<const Rules>(config.rules)),
      snapshots_({config.export_program, config.index, config.token_file, config.export_max_age}),
      history_(wall_clock_ns()),
      inotify_(std::move(inotify)),
      no_inotify_(std::move(no_inotify)),
      roots_(config.roots),
      fragments_({config.writable, config.index + "/writes",
                  [this](const std::string& root) { return roots_.folder(root); },
                  std::max(1U, config.http_threads / 4)}),
      writer_(std::move(writer)),
      // Each waiting feed holds one of the server's threads: the other half is for questions.
      feeds_(std::min(config.feed_waiting, config.http_threads / 2)),
      webhooks_({[this] { return snapshot(); },
                 [this] { return ready_ && !stopping_ && caretaker_->answering(); },
                 [this](const Error& error) { this->failed(error); }, config.index + "/webhooks"}),
      sync_places_(config.http_threads / 4),
      pause_(io),
      minute_(io, steady_clock::now()) {
  const auto rules_now = [this] { return rules(); };
  const auto failed = [this](const Error& error) { this->failed(error); };
  fold_ = std::make_unique<FoldThread>(
      *writer_, FoldTiming{config.fold_quiet, config.fold_interval, config.fresh_limit_bytes / 2},
      failed);
  search_ = std::make_unique<SearchThread>(*writer_);
  ingest_ = std::make_unique<IngestThread>(IngestThread::Surroundings{
      *writer_, rules_now,
      [this] {
        fold_->poke();
        search_->poke();
        feeds_.announce(writer_->seq());
        webhooks_.announce();
      },
      [this](const std::vector<LookJob::Item>& items) { pool_->release(items); },
      [this](const FragmentName& name) { pool_->request(name, nullptr); },
      [this] { walker_->recheck_racy(); }, failed});
  pool_ = std::make_unique<ReadingPool>(
      roots_, rules_now, SettleDelays{config.settle_first, config.settle_second}, reading_threads,
      [this](Finding finding) { ingest_->submit(std::move(finding)); });
  std::set<std::string> polled;
  for (const RootConfig& root : config.roots) {
    if (root.poll) polled.insert(root.name);
  }
  walker_ = std::make_unique<Walker>(
      Walker::Surroundings{roots_, *pool_, ledger_, inotify_ ? &*inotify_ : nullptr,
                           [this] { return snapshot(); }, rules_now,
                           [this](std::string name, std::string value) {
                             ingest_->keep_note(std::move(name), std::move(value));
                           },
                           config.poll_interval, std::move(polled), config.audit_interval});
  const auto examine = [this](bool idle, const std::function<bool()>& stopped) {
    return examine_in_child(config_.index, examination(idle, stopped));
  };
  const Result<Snapshot> found = snapshot();
  caretaker_ = std::make_unique<Caretaker>(
      Caretaker::Surroundings{*writer_, examine, unchanged_files(config.roots, rules_now),
                              [this] { return ingest_->pause(); }, [this] { ingest_->resume(); },
                              [this](bool read_all, bool reopened, std::function<void()> done) {
                                crawl_again(read_all, reopened, std::move(done));
                              },
                              config.scrub_interval},
      found && found->note(incomplete_note));
  if (inotify_) events_.emplace(io_, inotify_->fd());
}

Daemon::~Daemon() {
  (void)stop();
  if (events_) (void)events_->release();  // the descriptor is inotify_'s
}

std::string Daemon::judged_under(const Rules& rules) const {
  Rules judging = rules;
  judging.search_weights.clear();  // a matter of queries, like the next
  judging.search_scopes.clear();
  std::string text = judging.to_json();
  for (const RootConfig& root : config_.roots) text += "\n" + root.name + "\t" + root.path;
  return hash128(text).hex();
}

void Daemon::start(std::function<void()> ready) {
  bool judge_anew = false, note_since = true, read_all = false;
  if (Result<Snapshot> before = snapshot()) {
    note_since = !before->note(since_note);
    const std::string under = judged_under(*rules());
    const std::optional<std::string> judged = before->note(judged_note);
    const std::optional<std::string> judging = before->note(judging_note);
    judge_anew = (judged && *judged != under) || (judging && *judging != under) ||
                 (!judging && before->counts().fragments > 0);
    // One that was never gone through to the end has nothing but what this version has read.
    read_all = note_since && (judged || writer_->rebuilt() == Rebuilt::upgraded);
    if (Result<std::vector<std::string>> names = before->roots()) {
      for (const std::string& name : *names) {
        if (roots_.known(name)) continue;
        log_info("root_forgotten", "root {} is no longer configured: its records go", name);
        ingest_->forget_root(name, ledger_.issue());
      }
    }
  }
  if (no_inotify_) {
    log_warning("no_inotify", "no inotify: {}; every folder is polled", no_inotify_->message);
  }
  wait_for_events();
  keep_history();
  webhooks_.configure(config_.webhooks);
  const auto done = [this, note_since, ready = std::move(ready)] {
    if (note_since && !walker_->left_undone()) ingest_->keep_note(since_note, "1");
    ingest_->announce_recovered([this, ready] {
      // Ready means that the first search is as quick as the second.
      const auto make = [this] { return writer_->make_all_search(); };
      if (const Result<void> made = as_far_as_memory_goes(make); !made) {
        log_error("search_failed", "fresh records: {}", made.error().message);
      }
      ingest_->keep_note(incomplete_note, std::nullopt);
      caretaker_->crawled();
      ready_ = true;
      webhooks_.announce();
      log_joined();
      boost::asio::post(io_, ready);
    });
  };
  crawl_all(judge_anew, done, read_all);
}

// Before anything is crawled or written. A root that is away has its turn at another start.
void Daemon::finish_left_behind() {
  const auto open = [this](const std::string& root) -> Result<FragmentFiles::Folder> {
    JCN_TRY(Roots::Opened opened, roots_.open(root));
    return std::move(opened.fd);
  };
  const std::size_t finished = fragments_.finish_left_behind(open, config_.rules.limits.max_bytes);
  if (finished > 0)
    log_info("writes_finished", "{} writes that were cut short were brought to an end", finished);
}

// Records that were joined unasked deserve a word: without rules, equal ids are enough.
void Daemon::log_joined() {
  if (config_.rules.rules != Rules{}.rules) return;
  Result<Snapshot> now = snapshot();
  if (!now) return;
  const IndexCounts counts = now->counts();
  std::uint64_t records = counts.rejects;
  for (const auto& [kind, number] : counts.records) records += number;
  if (counts.fragments <= records) return;
  log_info("fragments_joined", "{} fragments were joined to others with an equal /id",
           counts.fragments - records);
}

// Everything is visible, and announced, when `done` is called.
void Daemon::crawl_again(bool read_all, bool reopened, std::function<void()> done) {
  if (reopened) {  // they may have to begin anew
    feeds_.announce(writer_->seq());
    webhooks_.announce();
  }
  crawl_all(
      false,
      [this, reopened, done = std::move(done)] {
        if (!reopened) return done();
        ingest_->announce_recovered([this, done] {
          ingest_->keep_note(incomplete_note, std::nullopt);
          done();
        });
      },
      read_all);
}

void Daemon::crawl_all(bool judge_anew, std::function<void()> done, bool read_all) {
  const std::shared_ptr<const Rules> rules = this->rules();
  const std::string under = judged_under(*rules);
  ingest_->keep_note(rules_note, rules->to_json());
  ingest_->keep_note(judging_note, under);
  std::map<std::string, std::string> paths;
  for (const RootConfig& root : config_.roots) paths.emplace(root.name, root.path);
  ingest_->keep_note(roots_note, encode_roots(paths));
  // The ticket dies with the last look of the crawl; then the whole crawl is visible.
  Ticket inner = ledger_.issue();
  Ticket ticket(inner.get(), [this, inner, under, done = std::move(done)](const Cause*) {
    crawled(under, done);
  });
  walker_->crawl("", std::move(ticket), judge_anew, false, read_all);
}

void Daemon::crawled(const std::string& under, const std::function<void()>& done) {
  if (stopping_) return;  // it was cut short: the next start goes over everything again
  // A folder that could not be read yet may hold files that the rules before have judged.
  if (!walker_->left_undone()) ingest_->keep_note(judged_note, under);
  if (done) done();
}

void Daemon::reload(const DaemonConfig& config) {
  DaemonConfig rest = config;
  rest.rules = config_.rules;
  rest.log_level = config_.log_level;
  rest.token_file = config_.token_file;
  rest.token = config_.token;
  rest.tokens = config_.tokens;
  rest.webhooks = config_.webhooks;
  if (rest != config_) {
    log_warning(
        "reload_needs_restart",
        "reload: only rules, schemas, ignore patterns, limits, tokens, webhooks and the log level "
        "change without a restart");
  }
  set_log_level(config.log_level);
  webhooks_.configure(config.webhooks);
  const std::shared_ptr<const Rules> before = rules();
  const bool changed = judged_under(*before) != judged_under(config.rules);
  if (*before != config.rules) {
    // First, so that no verdict of the new rules is in the index without it.
    ingest_->keep_note(judging_note, judged_under(config.rules));
    std::lock_guard guard(rules_lock_);
    rules_ = std::make_shared<const Rules>(config.rules);
  }
  log_info("reload", "reload: {}",
           changed ? "rules changed, every file is judged anew"
                   : "rules are the same; every folder is gone over and watched anew");
  crawl_all(changed, nullptr);
}

bool Daemon::got_on() {
  return ingest_->got_on();
}

Result<void> Daemon::stop() {
  if (stopping_.exchange(true)) return {};
  feeds_.close();
  webhooks_.begin_stop();
  snapshots_.stop();
  if (events_) {
    boost::system::error_code ignored;
    events_->cancel(ignored);
  }
  ledger_.stop();
  if (barrier_) barrier_->overflow();  // nobody reads events any more: lets waiting syncs go
  // All are told before any is waited for: one may be waiting for the other's room. What is lost on
  // the way is found by the next start.
  caretaker_->begin_stop();
  walker_->begin_stop();
  pool_->begin_stop();
  ingest_->begin_stop();
  caretaker_->stop();
  walker_->stop();
  pool_->stop();
  ingest_->stop();
  search_->stop();
  webhooks_.stop();
  Result<void> folded = fold_->stop();
  // The server stops next, and says nothing any more. Who doesn't read gets no more than this.
  feeds_.wait_until_left(std::chrono::steady_clock::now() + last_words_patience);
  return folded;
}

void Daemon::keep_history() {
  minute_.expires_at(minute_.expiry() + StatusHistory::step);
  minute_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopping_) return;
    // A minute without an answer from the index becomes part of the next one.
    if (const Result<StatusHistory::Totals> now = totals()) {
      history_.end_minute(wall_clock_ns(), *now);
    } else {
      failed(now.error());
    }
    log_left_out();
    keep_history();
  });
}

void Daemon::wait_for_events() {
  if (!events_) return;
  events_->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [this](const boost::system::error_code& error) {
                        if (stopping_ || error == boost::asio::error::operation_aborted) return;
                        if (!error) return drain_events();
                        log_error("events_failed", "events: {}; tried again", error.message());
                        drain_events_after(event_retry);
                      });
}

void Daemon::drain_events_after(std::chrono::milliseconds pause) {
  pause_.expires_after(pause);
  pause_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !stopping_) drain_events();
  });
}

void Daemon::drain_events() {
  if (walker_->backlog() > backlog_bound) {
    drain_events_after(backlog_pause);
    return;
  }
  Result<std::vector<WatchEvent>> events = inotify_->read();
  if (!events) {
    log_error("events_failed", "{}: everything is gone over again", events.error().message);
    WatchEvent lost{};
    lost.kind = WatchEvent::Kind::overflow;
    walker_->events({lost}, ledger_.issue_for_event());
    barrier_->overflow();
    drain_events_after(event_retry);
    return;
  }
  // What comes before a barrier's own event belongs to the epoch that the barrier ends.
  std::vector<WatchEvent> before;
  const auto hand_over = [&] {
    if (!before.empty()) walker_->events(std::exchange(before, {}), ledger_.issue_for_event());
  };
  for (WatchEvent& event : *events) {
    if (event.kind == WatchEvent::Kind::overflow) {
      log_warning("events_lost",
                  "events were lost (queue overflow): everything is gone over again");
      before.push_back(std::move(event));
      hand_over();
      barrier_->overflow();
      continue;
    }
    if (barrier_->is_own(event)) {
      hand_over();
      barrier_->take(event);
      continue;
    }
    before.push_back(std::move(event));
  }
  hand_over();
  wait_for_events();
}

}  // namespace jcn
