#include "caretaker.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

#include "jcn/wall_clock.h"
#include "log.h"
#include "memory_patience.h"

namespace jcn {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How often somebody else's writing to data.mdb is looked for.
constexpr milliseconds look_interval{1000};
// Between two attempts at what failed.
constexpr milliseconds retry_interval{5000};
// For so long nobody's word is taken after an examination: a query that fails again and again does
// not have the whole index read each time.
constexpr milliseconds patience_with_false_alarms{60'000};
constexpr milliseconds remake_interval{3'600'000};
// Between two rounds of tidying up go so many times what the last one took; when it failed, it is
// left for a while.
constexpr int tidying_pause = 4;
constexpr milliseconds failed_tidying_interval{600'000};
// Without a change, after which memory goes back that only a rewrite has needed. While changes go
// on, the next one will need it again.
constexpr milliseconds quiet_before_trim{10'000};

}  // namespace

Caretaker::Caretaker(Surroundings surroundings, bool incomplete)
    : in_(std::move(surroundings)), turns_(incomplete ? 1 : 0) {
  shown_.state = "idle";
  thread_ = std::thread([this] { run(); });
}

Caretaker::~Caretaker() {
  stop();
}

void Caretaker::begin_stop() {
  {
    const std::lock_guard guard(lock_);
    stopping_ = true;
  }
  wake_.notify_all();
}

void Caretaker::stop() {
  begin_stop();
  if (thread_.joinable()) thread_.join();
}

void Caretaker::crawled() {
  set_complete(true);
  {
    const std::lock_guard guard(lock_);
    ready_ = true;
    next_scrub_ = steady_clock::now() + in_.scrub_interval;
  }
  wake_.notify_all();
}

void Caretaker::failed(const Error& error) {
  if (error.code != Code::index_damaged) return;
  {
    const std::lock_guard guard(lock_);
    if (suspected_ || steady_clock::now() < quiet_until_) return;
    suspected_ = met_with_damage_ = true;
    suspicion_ = error.message;
  }
  wake_.notify_all();
}

Result<std::uint64_t> Caretaker::ask(UpkeepWork work) {
  std::uint64_t number = 0;
  {
    const std::lock_guard guard(lock_);
    if (!ready_) return Error{Code::not_ready, "The first crawl is not done yet.", ""};
    if (asked_ || (shown_.state != "idle" && !unasked_)) {
      return Error{Code::overloaded,
                   "The index is being taken care of already: " + shown_.state + ".",
                   "GET /v1/status says when that is done."};
    }
    asked_ = work;
    number = ++shown_.asked;
  }
  wake_.notify_all();
  return number;
}

std::optional<std::uint64_t> Caretaker::answering() const {
  const std::uint64_t turns = turns_;
  return turns % 2 == 0 ? std::optional(turns) : std::nullopt;
}

void Caretaker::set_complete(bool complete) {
  if (answering().has_value() != complete) ++turns_;  // only this thread, but for the first time
}

Upkeep Caretaker::upkeep() const {
  const std::lock_guard guard(lock_);
  return shown_;
}

std::vector<Reason> Caretaker::reasons() const {
  const std::lock_guard guard(lock_);
  std::vector<Reason> reasons;
  if (!answering()) {
    reasons.push_back({"index_incomplete",
                       "the index was damaged and is made again from the files; until that is done "
                       "nothing is answered from it" +
                           (why_.empty() ? "" : " (" + why_ + ")")});
  } else if (shown_.state == "repairing") {
    reasons.push_back(
        {"index_damaged",
         why_ + "; it is repaired beside, and answers go on but for what is damaged"});
  }
  return reasons;
}

void Caretaker::set_state(const char* state, const std::string& why) {
  const std::lock_guard guard(lock_);
  shown_.state = state;
  shown_.done = shown_.total = 0;
  why_ = why;
}

bool Caretaker::pause(milliseconds time) {
  std::unique_lock guard(lock_);
  return !wake_.wait_for(guard, time, [this] { return stopping_.load(); });
}

// --- The thread

void Caretaker::run() {
  const MemoryPatience patient(true);
  std::unique_lock guard(lock_);
  while (!stopping_) {
    const std::optional<Task> task = next_task(guard);
    if (!task) continue;
    guard.unlock();
    switch (task->kind) {
      case Task::Kind::scrub:
        scrub();
        break;
      case Task::Kind::look:
        look_into_it();
        break;
      case Task::Kind::write_again:
        begin_writing_again(task->why);
        break;
      case Task::Kind::compact:
        compact();
        break;
      case Task::Kind::reindex:
        reindex();
        break;
      case Task::Kind::tidy:
        tidy();
        break;
    }
    set_state("idle");
    guard.lock();
    unasked_ = false;
  }
}

// Absent: nothing is to be done yet.
std::optional<Caretaker::Task> Caretaker::next_task(std::unique_lock<std::mutex>& guard) {
  const auto something = [this] {
    return stopping_ || (ready_ && (suspected_ || asked_.has_value()));
  };
  if (!something()) {
    Time until = steady_clock::now() + look_interval;
    if (ready_ && in_.scrub_interval.count() > 0) until = std::min(until, next_scrub_);
    wake_.wait_until(guard, until, something);
  }
  if (stopping_ || !ready_) return std::nullopt;
  if (suspected_) return Task{Task::Kind::look, {}};
  if (const auto work = std::exchange(asked_, std::nullopt)) {
    return Task{*work == UpkeepWork::compact ? Task::Kind::compact : Task::Kind::reindex, {}};
  }
  guard.unlock();
  const bool touched = steady_clock::now() >= next_look_ && in_.writer.touched_by_others();
  const std::optional<Error> stopped = in_.writer.writing_stopped();
  const bool worn = steady_clock::now() >= next_tidying_ && in_.writer.worn();
  trim_if_quiet();
  guard.lock();
  if (stopped) return Task{Task::Kind::write_again, stopped->message};
  if (touched) {
    suspected_ = true;
    suspicion_ = "data.mdb was changed by somebody else";
    return Task{Task::Kind::look, {}};
  }
  if (worn && !asked_ && !suspected_) return Task{Task::Kind::tidy, {}};
  if (in_.scrub_interval.count() > 0 && steady_clock::now() >= next_scrub_) {
    return Task{Task::Kind::scrub, {}};
  }
  return std::nullopt;
}

void Caretaker::scrub() {
  {
    const std::lock_guard guard(lock_);
    unasked_ = true;
  }
  set_state("scrubbing");
  const Result<IndexHealth> health = in_.examine(true, [this] {
    const std::lock_guard guard(lock_);
    return stopping_ || asked_;
  });
  {
    const std::lock_guard guard(lock_);
    if (!health && asked_) return;  // it is still due
    next_scrub_ = steady_clock::now() + in_.scrub_interval;
    if (health) {
      ++shown_.scrubs;
      shown_.last_scrub_ns = wall_clock_ns();
    }
  }
  if (stopping_) return;
  if (!health) {
    log_error("scrub_failed", "scrub: {}", health.error().message);
  } else if (health->whole()) {
    log_debug("scrubbed", "scrub: {} entries, {} blocks, all as they were written",
              health->report.entries, health->report.blocks);
  } else {
    take_care(*health);
  }
}

// Somebody met with damage, or might have.
void Caretaker::look_into_it() {
  std::string why;
  bool met = false;
  {
    const std::lock_guard guard(lock_);
    why = suspicion_;
    met = met_with_damage_;
  }
  log_warning("index_examined", "the index is looked through: {}", why);
  set_state("examining", why);
  const Time begun = steady_clock::now();
  const Result<IndexHealth> health = in_.examine(false, [this] { return stopping_.load(); });
  if (stopping_) return;
  // Somebody who touches the file again and again does not keep jcn from everything else.
  next_look_ = steady_clock::now() + 10 * (steady_clock::now() - begun);
  if (!health) {
    log_error("index_examination_failed", "the index could not be looked through: {}",
              health.error().message);
    pause(retry_interval);
    return;
  }
  {
    const std::lock_guard guard(lock_);
    suspected_ = met_with_damage_ = false;
    quiet_until_ = steady_clock::now() + patience_with_false_alarms;
  }
  if (!health->whole()) return take_care(*health);
  log_info("index_whole", "the index is as it was written");
  // What cannot be read all the same is not the disk's fault. Making it anew may help, once.
  if (!met || steady_clock::now() < next_remake_) return;
  next_remake_ = steady_clock::now() + remake_interval;
  repair_beside(*health, why);
}

// A commit failed, and what of it is on the disk is not known: another generation is written to.
void Caretaker::begin_writing_again(const std::string& why) {
  log_warning("index_written_anew", "the index is written anew: {}", why);
  set_state("examining", why);
  const Result<IndexHealth> health = in_.examine(false, [this] { return stopping_.load(); });
  if (stopping_) return;
  if (health && !health->whole()) return take_care(*health);
  if (!health) {
    log_error("index_examination_failed", "the index could not be looked through: {}",
              health.error().message);
    pause(retry_interval);
  } else if (!repair_beside(*health, why)) {
    reopen(*health);
  }
}

// --- Repair

void Caretaker::take_care(const IndexHealth& health) {
  const std::string what = health.findings.empty() ? "it is not whole" : health.findings.front();
  if (!health.only_blocks()) set_complete(false);  // before anybody can know of it
  {
    const std::lock_guard guard(lock_);
    ++shown_.damage_found;
  }
  log_error("index_damaged", "the index is damaged: {}", what);
  // Whatever becomes of this process: the next one knows.
  if (const Result<void> marked = in_.writer.mark_damaged(); !marked) {
    log_error("index_damage_not_noted", "that could not be noted: {}", marked.error().message);
  }
  if (!health.only_blocks() || !repair_beside(health, what)) reopen(health);
}

// False: not all of it can be saved that way.
bool Caretaker::repair_beside(const IndexHealth& health, const std::string& why) {
  set_state("repairing", why);
  for (;;) {
    const Result<RewriteReport> rewritten = rewrite(health, false);
    if (rewritten) {
      log_info("index_repaired",
               "the index is repaired: {} records, {} of them read from their files",
               rewritten->records, rewritten->healed);
      return true;
    }
    if (stopping_) return true;
    log_warning("index_repair_failed", "the index could not be repaired beside: {}",
                rewritten.error().message);
    if (rewritten.error().code == Code::index_damaged) return false;
    if (!pause(retry_interval)) return true;
  }
}

// Nobody is answered from it until it is right again.
void Caretaker::reopen(const IndexHealth& health) {
  set_complete(false);
  set_state("rebuilding", health.findings.empty() ? "" : health.findings.front());
  for (;;) {
    if (!in_.pause_intake()) return;
    const Result<Rebuilt> reopened = in_.writer.reopen(health);
    in_.resume_intake();
    if (stopping_) return;
    if (reopened) {
      log_info("index_reopened", "the index is {}; its files are gone over",
               *reopened == Rebuilt::repaired ? "repaired" : "begun anew");
      break;
    }
    log_error("index_repair_failed", "the index could not be repaired: {}",
              reopened.error().message);
    if (!pause(retry_interval)) return;
  }
  {
    const std::lock_guard guard(lock_);
    ++shown_.rewrites;
  }
  if (!crawl(false, true)) return;
  set_complete(true);
  log_info("index_whole", "the index is whole again");
}

// --- What is asked for

void Caretaker::compact() {
  set_state("compacting");
  const Result<RewriteReport> rewritten = rewrite(IndexHealth{}, true);
  if (rewritten) {
    log_info("index_compacted", "the index is compacted: {} records, {} bytes before, {} now",
             rewritten->records, rewritten->bytes_before, rewritten->bytes_after);
    return finish({});
  }
  failed(rewritten.error());
  finish(rewritten.error().message);
}

void Caretaker::reindex() {
  set_state("reading");
  if (!crawl(true, false)) return finish("jcn is shutting down");
  set_state("reindexing");
  const Result<RewriteReport> rewritten = rewrite(IndexHealth{}, false);
  if (rewritten) {
    log_info("index_remade", "the index is made anew: {} records", rewritten->records);
    return finish({});
  }
  failed(rewritten.error());
  finish(rewritten.error().message);
}

// As compact(), but nobody waits for it. What is rewritten is believed, and what says that it
// should not be goes with it: so it is looked through first.
void Caretaker::tidy() {
  {
    const std::lock_guard guard(lock_);
    unasked_ = true;
  }
  set_state("examining");
  const Time begun = steady_clock::now();
  const Result<IndexHealth> health = in_.examine(true, [this] { return stopping_.load(); });
  if (health && !health->whole()) return take_care(*health);
  Result<void> tidied;
  if (health) {
    set_state("compacting");
    const Result<RewriteReport> rewritten = rewrite(IndexHealth{}, true);
    if (rewritten) {
      log_debug("index_compacted", "the index was worn and is compacted: {} bytes before, {} now",
                rewritten->bytes_before, rewritten->bytes_after);
    } else {
      tidied = rewritten.error();
    }
  } else {
    tidied = health.error();
  }
  const Time now = steady_clock::now();
  next_tidying_ = now + tidying_pause * (now - begun);
  if (tidied || stopping_) return;
  next_tidying_ = now + failed_tidying_interval;
  log_warning("index_compaction_failed", "the index is worn and could not be compacted: {}",
              tidied.error().message);
  failed(tidied.error());
}

void Caretaker::finish(std::string failure) {
  if (!failure.empty())
    log_error("index_rewrite_failed", "the index could not be written anew: {}", failure);
  const std::lock_guard guard(lock_);
  shown_.finished = shown_.asked;
  shown_.failure = std::move(failure);
}

Result<RewriteReport> Caretaker::rewrite(const IndexHealth& health, bool merge) {
  RewriteWish wish;
  wish.merge = merge;
  wish.read_again = in_.read_again;
  wish.go_on = [this](std::uint64_t done, std::uint64_t of) {
    const std::lock_guard guard(lock_);
    shown_.done = done;
    shown_.total = of;
    return !stopping_;
  };
  Result<RewriteReport> rewritten = in_.writer.rewrite(health, wish);
  untrimmed_ = true;
  if (rewritten) {
    const std::lock_guard guard(lock_);
    ++shown_.rewrites;
  }
  return rewritten;
}

void Caretaker::trim_if_quiet() {
  const Time now = steady_clock::now();
  if (const std::uint64_t seq = in_.writer.seq(); seq != last_seq_) {
    last_seq_ = seq;
    last_change_ = now;
  }
  if (!untrimmed_ || now - last_change_ < quiet_before_trim) return;
  untrimmed_ = false;
  ::malloc_trim(0);
}

// False: it is stopping.
bool Caretaker::crawl(bool read_all, bool reopened) {
  {
    const std::lock_guard guard(lock_);
    crawled_ = false;
  }
  in_.crawl(read_all, reopened, [this] {
    {
      const std::lock_guard guard(lock_);
      crawled_ = true;
    }
    wake_.notify_all();
  });
  std::unique_lock guard(lock_);
  wake_.wait(guard, [this] { return crawled_ || stopping_; });
  return !stopping_;
}

}  // namespace jcn
