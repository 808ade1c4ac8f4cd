#include "ingest_thread.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "jcn/ingest.h"
#include "jcn/wall_clock.h"
#include "log.h"
#include "memory_patience.h"

namespace jcn {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t queue_bound = 4096;            // findings that may wait
constexpr std::size_t queue_bytes_bound = 32 << 20;  // of their documents, beside one finding's
constexpr std::size_t batch_bound = 256;    // findings published in one step: a drop waits for one
constexpr std::size_t racy_bound = 65'536;  // names kept for another look
constexpr milliseconds retry_interval{250};

std::size_t bytes_of(const Finding& finding) {
  std::size_t bytes = 0;
  for (const Look& look : finding.looks) {
    if (const auto* good = std::get_if<GoodFragment>(&look.found)) bytes += good->body.size();
  }
  return bytes;
}

}  // namespace

IngestThread::IngestThread(Surroundings surroundings)
    : in_(std::move(surroundings)), thread_([this] { run(); }) {}

IngestThread::~IngestThread() {
  stop();
}

void IngestThread::begin_stop() {
  {
    std::lock_guard guard(lock_);
    stopped_ = true;
  }
  wake_.notify_all();
  room_.notify_all();
  parked_changed_.notify_all();
}

void IngestThread::stop() {
  begin_stop();
  if (thread_.joinable()) thread_.join();
}

void IngestThread::submit(Finding finding) {
  const std::size_t bytes = bytes_of(finding);
  {
    std::unique_lock guard(lock_);
    room_.wait(guard, [&] {
      const bool room = queue_.findings.size() < queue_bound && queue_bytes_ < queue_bytes_bound;
      return stopped_ || room;
    });
    queue_.findings.push_back(std::move(finding));
    queue_bytes_ += bytes;
  }
  wake_.notify_one();
}

void IngestThread::keep_note(std::string name, std::optional<std::string> value) {
  {
    std::lock_guard guard(lock_);
    queue_.notes[std::move(name)] = std::move(value);
  }
  wake_.notify_one();
}

void IngestThread::forget_root(std::string root, Ticket ticket) {
  {
    std::lock_guard guard(lock_);
    queue_.forgotten_roots.emplace_back(std::move(root), std::move(ticket));
  }
  wake_.notify_one();
}

void IngestThread::announce_recovered(std::function<void()> done) {
  {
    std::lock_guard guard(lock_);
    queue_.announced = std::move(done);
  }
  wake_.notify_one();
}

std::optional<Error> IngestThread::failing() const {
  std::lock_guard guard(lock_);
  return failing_;
}

bool IngestThread::pause() {
  std::unique_lock guard(lock_);
  pausing_ = true;
  wake_.notify_one();
  parked_changed_.wait(guard, [this] { return parked_ || stopped_; });
  return !stopped_;
}

void IngestThread::resume() {
  {
    std::lock_guard guard(lock_);
    pausing_ = false;
  }
  wake_.notify_one();
}

// Between two batches, or two attempts at one.
void IngestThread::park(std::unique_lock<std::mutex>& guard) {
  parked_ = true;
  while (pausing_ && !stopped_) {
    parked_changed_.notify_all();
    wake_.wait(guard, [this] { return stopped_ || asked_ || !pausing_; });
    ++turns_;
    asked_ = false;
  }
  parked_ = false;
}

bool IngestThread::got_on() {
  bool on = false;
  {
    std::lock_guard guard(lock_);
    on = turns_ != turns_seen_;
    turns_seen_ = turns_;
    asked_ = true;
  }
  wake_.notify_one();
  return on;
}

void IngestThread::run() {
  ::pthread_setname_np(::pthread_self(), "jcn-ingest");
  const MemoryPatience patience(true);
  std::unique_lock guard(lock_);
  for (;;) {
    ++turns_;
    asked_ = false;
    park(guard);
    const auto due = racy_.empty() ? steady_clock::time_point::max() : racy_.front().due;
    const auto something = [&] { return stopped_ || asked_ || pausing_ || !queue_.empty(); };
    if (racy_.empty()) {
      wake_.wait(guard, something);
    } else {
      wake_.wait_until(guard, due, something);
    }
    if (pausing_ && !stopped_) continue;
    if (queue_.empty()) {
      if (stopped_) return;
      guard.unlock();
      look_again_at_due();
      guard.lock();
      continue;
    }
    Work work;
    if (queue_.findings.size() > batch_bound) {
      auto middle = queue_.findings.begin() + batch_bound;
      work.findings.assign(std::make_move_iterator(queue_.findings.begin()),
                           std::make_move_iterator(middle));
      queue_.findings.erase(queue_.findings.begin(), middle);
      std::swap(work.notes, queue_.notes);  // never behind what they speak of
    } else {
      std::swap(work, queue_);
    }
    for (const Finding& finding : work.findings) queue_bytes_ -= bytes_of(finding);
    guard.unlock();
    room_.notify_all();
    for (;;) {
      const Result<void> done = as_far_as_memory_goes([&] { return publish(work); });
      if (done) break;
      guard.lock();
      if (!failing_ || failing_->message != done.error().message) {  // four times a second
        log_error({"intake_failing", {{"code", std::string(code_name(done.error().code))}}},
                  "publish: {}: {}", code_name(done.error().code), done.error().message);
      }
      ++turns_;
      failing_ = done.error();
      guard.unlock();
      if (in_.failed) in_.failed(done.error());
      guard.lock();
      wake_.wait_for(guard, retry_interval, [&] { return stopped_ || pausing_; });
      park(guard);
      const bool give_up = stopped_;
      guard.unlock();
      if (give_up) return;  // the files are still there: the next start reads them
    }
    std::vector<LookJob::Item> items;
    for (Finding& finding : work.findings) {
      std::move(finding.items.begin(), finding.items.end(), std::back_inserter(items));
    }
    in_.release(items);
    if (work.announced) work.announced();
    items.clear();
    work = {};  // the tickets die here: published
    if (!racy_.empty() && racy_.front().due <= steady_clock::now()) look_again_at_due();
    guard.lock();
    failing_.reset();
  }
}

Result<void> IngestThread::publish(Work& work) {
  const std::shared_ptr<const Rules> rules = in_.rules();
  std::vector<Look> looks;
  for (Finding& finding : work.findings) {
    looks.insert(looks.end(), finding.looks.begin(), finding.looks.end());
  }
  for (const auto& [root, ticket] : work.forgotten_roots) {
    JCN_TRY(std::vector<Look> gone, looks_at_forgotten(root));
    std::move(gone.begin(), gone.end(), std::back_inserter(looks));
  }
  remember_racy(looks);
  {
    JCN_TRY(Snapshot snapshot, in_.writer.snapshot());
    JCN_TRY(Batch batch, plan_batch(snapshot, *rules, std::move(looks), wall_clock_ns()));
    JCN_TRY(const News news, news_of(snapshot, batch, work));
    batch.notes = work.notes;
    JCN_CHECK(publish_batch(std::move(batch)));
    count(news);
  }
  if (work.announced) {
    JCN_TRY(Snapshot snapshot, in_.writer.snapshot());
    JCN_TRY(Batch batch, plan_announcement(snapshot, in_.writer.recovered()));
    JCN_CHECK(publish_batch(std::move(batch)));
    in_.writer.finish_recovery();
  }
  return {};
}

Result<void> IngestThread::publish_batch(Batch batch) {
  if (batch.empty()) return {};
  Result<std::uint64_t> head = in_.writer.publish(std::move(batch));
  if (!head) return std::move(head).error();
  in_.published();
  return {};
}

// A look into the index only for what has an event, or is rejected: few files of a crawl.
Result<IngestThread::News> IngestThread::news_of(const Snapshot& before, const Batch& batch,
                                                 const Work& work) {
  std::map<FragmentName, steady_clock::time_point> changed;
  for (const Finding& finding : work.findings) {
    for (const LookJob::Item& item : finding.items) {
      if (item.ticket && item.ticket->changed) changed.emplace(item.name, *item.ticket->changed);
    }
  }
  News news;
  for (const auto& [name, row] : batch.files) {
    const auto told = changed.find(name);
    const bool rejected = row && row->reject;
    if (told == changed.end() && !rejected) continue;
    JCN_TRY(const std::optional<FileRow> old, before.file(name));
    const bool same = old && row && old->content == row->content && old->reject == row->reject;
    if (same) continue;
    if (told != changed.end()) news.changed.push_back(told->second);
    if (rejected) news.rejected.push_back(row->reject->code);
  }
  return news;
}

void IngestThread::count(const News& news) {
  const auto now = steady_clock::now();
  for (const auto at : news.changed) visible_.count(now - at);
  for (const Code code : news.rejected) ++rejected_[static_cast<std::size_t>(code)];
}

IntakeCounts IngestThread::counts() const {
  IntakeCounts counts;
  counts.visible = visible_.read();
  std::copy(rejected_.begin(), rejected_.end(), counts.rejected.begin());
  return counts;
}

Result<std::vector<Look>> IngestThread::looks_at_forgotten(const std::string& root) {
  JCN_TRY(Snapshot snapshot, in_.writer.snapshot());
  std::vector<Look> looks;
  JCN_CHECK(
      snapshot.for_each_file(root, "", "", false, [&](const std::string& path, const FileRow&) {
        Look look;
        look.name = {root, path};
        looks.push_back(std::move(look));
        return true;
      }));
  return looks;
}

void IngestThread::remember_racy(const std::vector<Look>& looks) {
  for (const Look& look : looks) {
    if (std::holds_alternative<Gone>(look.found)) continue;
    const std::int64_t wait = look.facts.ctime_ns + racy_window_ns - look.read_ns;
    // Longer: a clock was set; another look would not help.
    if (wait <= 0 || wait > racy_window_ns) continue;
    if (racy_.size() >= racy_bound) {
      racy_overflow_ = true;
      continue;
    }
    racy_.push_back(
        {steady_clock::now() + std::chrono::nanoseconds(wait) + milliseconds(20), look.name});
  }
}

void IngestThread::look_again_at_due() {
  const auto now = steady_clock::now();
  while (!racy_.empty() && racy_.front().due <= now) {
    in_.look_again(racy_.front().name);
    racy_.pop_front();
  }
  if (racy_.empty() && std::exchange(racy_overflow_, false)) in_.look_again_everywhere();
}

}  // namespace jcn
