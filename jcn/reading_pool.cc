#include "reading_pool.h"

#include <utility>

#include "jcn/check.h"
#include "jcn/read.h"
#include "jcn/wall_clock.h"
#include "memory_patience.h"

namespace jcn {
namespace {

LookEnd look_later(const Error& why, Look& look) {
  Reject reject;
  reject.code = why.code == Code::unstable ? Code::unstable : Code::read_error;
  reject.message = why.message;
  look.found = std::move(reject);
  return LookEnd::later;
}

}  // namespace

ReadingPool::ReadingPool(const Roots& roots, RulesSource rules, SettleDelays delays,
                         std::size_t threads, Sink sink)
    : roots_(roots), rules_(std::move(rules)), sink_(std::move(sink)), schedule_(delays) {
  try {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  } catch (...) {
    stop();
    throw;
  }
}

ReadingPool::~ReadingPool() {
  stop();
}

void ReadingPool::begin_stop() {
  {
    std::lock_guard guard(lock_);
    stopped_ = true;
  }
  wake_.notify_all();
  below_.notify_all();
}

void ReadingPool::stop() {
  begin_stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ReadingPool::request(const FragmentName& name, Ticket ticket, std::chrono::milliseconds delay,
                          bool judge_anew, Watcher watcher) {
  {
    std::lock_guard guard(lock_);
    schedule_.request(name, std::move(ticket), std::chrono::steady_clock::now(), delay, judge_anew,
                      std::move(watcher));
  }
  wake_.notify_one();
}

void ReadingPool::request_renames(const std::vector<Rename>& renames, const Ticket& ticket) {
  {
    std::lock_guard guard(lock_);
    schedule_.request_renames(renames, ticket);
  }
  wake_.notify_one();
}

void ReadingPool::wait_for_looks(const std::string& root, const std::string& prefix,
                                 std::chrono::milliseconds patience) {
  std::unique_lock guard(lock_);
  below_.wait_for(guard, patience, [&] { return stopped_ || !schedule_.busy(root, prefix); });
}

void ReadingPool::wait_below(std::size_t bound) {
  std::unique_lock guard(lock_);
  below_.wait(guard, [&] { return stopped_ || schedule_.ready() < bound; });
}

std::size_t ReadingPool::waiting() const {
  std::lock_guard guard(lock_);
  return schedule_.size();
}

bool ReadingPool::pending(const FragmentName& name) const {
  std::lock_guard guard(lock_);
  return schedule_.contains(name);
}

std::vector<FragmentName> ReadingPool::unsettled() const {
  std::lock_guard guard(lock_);
  return schedule_.unsettled();
}

void ReadingPool::run() {
  const MemoryPatience patience(true);
  DescriptorReserve reserve;
  std::unique_lock guard(lock_);
  while (!stopped_) {
    if (std::optional<LookJob> job = schedule_.next(std::chrono::steady_clock::now())) {
      guard.unlock();
      below_.notify_all();
      work(std::move(*job), reserve);
      guard.lock();
      continue;
    }
    if (const auto due = schedule_.next_time()) {
      wake_.wait_until(guard, *due);
    } else {
      wake_.wait(guard);
    }
  }
}

void ReadingPool::work(LookJob job, DescriptorReserve& reserve) {
  const std::shared_ptr<const Rules> rules = rules_();
  struct Seen {
    Look look;
    LookEnd end;
    bool silent = false;
  };
  std::vector<Seen> all;
  std::size_t found = 0;
  for (const LookJob::Item& item : job.items) {
    Seen& seen = all.emplace_back();
    seen.look.name = item.name;
    seen.look.judge_anew = item.judge_anew;
    const Result<LookEnd> end = as_far_as_memory_goes(
        [&] { return Result<LookEnd>(look_at(item, *rules, reserve, seen.look, seen.silent)); });
    seen.end = end ? *end : look_later(end.error(), seen.look);
    found += std::holds_alternative<Gone>(seen.look.found) ? 0 : 1;
  }
  Finding finding;
  std::vector<LookJob::Item> unpublished;
  {
    std::lock_guard guard(lock_);
    const auto now = std::chrono::steady_clock::now();
    if (found < files_of(job) && schedule_.postpone(job, now)) {
      wake_.notify_one();  // it may be due before what sleeping threads wait for
      below_.notify_all();
      return;
    }
    for (std::size_t i = 0; i < job.items.size(); ++i) {
      Seen& seen = all[i];
      const std::chrono::nanoseconds unchanged_for(seen.look.read_ns - seen.look.facts.ctime_ns);
      const bool publish =
          schedule_.finished(job.items[i], seen.end, seen.look.facts, unchanged_for);
      if (publish && !seen.silent) {
        finding.looks.push_back(std::move(seen.look));
        finding.items.push_back(std::move(job.items[i]));
      } else {
        unpublished.push_back(std::move(job.items[i]));
      }
    }
  }
  release(unpublished);
  if (!finding.looks.empty()) sink_(std::move(finding));
}

void ReadingPool::release(const std::vector<LookJob::Item>& items) {
  if (items.empty()) return;
  {
    std::lock_guard guard(lock_);
    const auto now = std::chrono::steady_clock::now();
    for (const LookJob::Item& item : items) schedule_.release(item, now);
  }
  below_.notify_all();
  // What was released with a delay may be due before anything that a sleeping thread waits for.
  wake_.notify_one();
}

void ReadingPool::request_beneath(const std::string& root, const std::string& prefix,
                                  const Ticket& ticket) {
  {
    std::lock_guard guard(lock_);
    const auto now = std::chrono::steady_clock::now();
    for (const FragmentName& name : schedule_.beneath(root, prefix)) {
      schedule_.request(name, ticket, now, std::chrono::milliseconds(0), false);
    }
  }
  wake_.notify_all();
}

LookEnd ReadingPool::look_at(const LookJob::Item& item, const Rules& rules,
                             DescriptorReserve& reserve, Look& look, bool& silent) {
  const std::shared_ptr<const FileDescriptor> root = roots_.fd(item.name.root);
  if (!root) {
    silent = true;
    return LookEnd::settled;
  }
  look.found = Gone{};
  if (rules.ignored(item.name.path) || !rules.find(item.name)) return LookEnd::settled;
  look.read_ns = wall_clock_ns();
  ReadOutcome outcome =
      read_fragment(root->get(), item.name.path, rules.limits.max_bytes, &reserve);
  if (auto* read = std::get_if<ReadBytes>(&outcome)) {
    ++files_read_;
    look.facts = read->facts;
    look.read_ns = read->read_ns;
    look.content = hash128(read->bytes);
    auto verdict = judge(rules, item.name, read->bytes);
    if (auto* good = std::get_if<GoodFragment>(&verdict)) {
      look.found = std::move(*good);
      return LookEnd::settled;
    }
    const Code code = std::get<Reject>(verdict).code;
    look.found = std::move(std::get<Reject>(verdict));
    return may_be_torn(code) ? LookEnd::torn : LookEnd::settled;
  }
  if (auto* rejected = std::get_if<ReadRejected>(&outcome)) {
    look.facts = rejected->facts;
    look.read_ns = rejected->read_ns;
    look.found = std::move(rejected->reject);
    return LookEnd::settled;
  }
  if (auto* later = std::get_if<ReadLater>(&outcome)) {
    return look_later(later->why, look);
  }
  // Nothing there: a deletion, unless the root itself went away. In the background no event and no
  // walk asked: if it was deleted or renamed, the event is on its way, with the rename's other end.
  const bool background = !item.ticket && item.failures == 0;
  const Roots::Presence presence = roots_.presence(item.name.root);
  silent = background || presence == Roots::Presence::gone;
  if (silent || presence == Roots::Presence::here) return LookEnd::settled;
  return look_later({Code::read_error, "the root can't be looked at"}, look);
}

}  // namespace jcn
