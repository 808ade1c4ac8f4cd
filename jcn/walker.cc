#include "walker.h"

#include <algorithm>
#include <utility>

#include "jcn/read.h"
#include "memory_patience.h"

namespace jcn {
namespace {

using Kind = WatchEvent::Kind;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How long one end of a rename waits for the other: they are queued one behind the other, but not
// in one step, and on a busy machine whoever renames may have to wait for a processor in between.
constexpr milliseconds departure_patience{25};
// A file that is written or truncated is looked at once it was quiet for so long, or is closed.
constexpr milliseconds write_patience{100};
constexpr milliseconds root_interval{1000};
// The second look at racily clean files goes on in such steps, with pauses, while nothing else is
// to do; so does the audit.
constexpr std::size_t racy_step = 500;
constexpr milliseconds step_pause{5};

}  // namespace

Walker::Walker(Surroundings surroundings)
    : in_(std::move(surroundings)),
      next_audit_(steady_clock::now() + in_.audit_interval),
      next_poll_(steady_clock::now() + in_.poll_interval),
      next_root_look_(steady_clock::now() + root_interval),
      thread_([this] { run(); }) {}

Walker::~Walker() {
  stop();
}

void Walker::begin_stop() {
  stopping_ = true;
  {
    std::lock_guard guard(lock_);
    stopped_ = true;
  }
  wake_.notify_all();
}

void Walker::stop() {
  begin_stop();
  if (thread_.joinable()) thread_.join();
}

void Walker::push(Message message) {
  {
    std::lock_guard guard(lock_);
    if (auto* events = std::get_if<Events>(&message)) backlog_ += events->events.size();
    queue_.push_back(std::move(message));
  }
  wake_.notify_one();
}

void Walker::events(std::vector<WatchEvent> events, Ticket ticket) {
  push(Events{std::move(events), std::move(ticket)});
}

void Walker::crawl(std::string root, Ticket ticket, bool judge_anew, bool accept, bool read_all) {
  push(Crawl{std::move(root), std::move(ticket), judge_anew, accept, read_all});
}

void Walker::poll(Ticket ticket) {
  push(Poll{std::move(ticket)});
}

void Walker::recheck_racy() {
  push(RecheckRacy{});
}

std::size_t Walker::backlog() const {
  std::lock_guard guard(lock_);
  return backlog_;
}

std::vector<Reason> Walker::reasons() const {
  std::lock_guard guard(lock_);
  std::vector<Reason> all;
  for (const auto& [key, reason] : reasons_) all.push_back(reason);
  return all;
}

void Walker::note_reason(const std::string& key, Reason reason) {
  std::lock_guard guard(lock_);
  reasons_[key] = std::move(reason);
}

std::string Walker::folder_reason(const FolderName& name) {
  return "folder:" + name.root + "/" + name.path;
}

void Walker::clear_reason(const std::string& key) {
  std::lock_guard guard(lock_);
  reasons_.erase(key);
}

void Walker::forget_reasons(const FolderName& name) {
  const std::string beneath = folder_reason(name) + (name.path.empty() ? "" : "/");
  std::lock_guard guard(lock_);
  reasons_.erase(folder_reason(name));
  auto it = reasons_.lower_bound(beneath);
  while (it != reasons_.end() && it->first.starts_with(beneath)) it = reasons_.erase(it);
}

Walker::Time Walker::next_due() const {
  Time due = std::min(next_poll_, next_root_look_);
  if (in_.audit_interval.count() > 0 && !audit_) due = std::min(due, next_audit_);
  for (const auto& [cookie, departure] : departures_) due = std::min(due, departure.due);
  for (const auto& [name, departure] : moved_on_) due = std::min(due, departure.due);
  if (const auto retry = retries_.next_due()) due = std::min(due, *retry);
  return due;
}

void Walker::run() {
  const MemoryPatience patience(true);
  std::unique_lock guard(lock_);
  while (!stopped_) {
    if (queue_.empty()) {
      Time due = next_due();
      if (racy_walk_ || audit_) due = std::min(due, steady_clock::now() + step_pause);
      if (wake_.wait_until(guard, due, [&] { return stopped_ || !queue_.empty(); })) continue;
      guard.unlock();
      if (racy_walk_) walk_racy_on();
      if (audit_) walk_audit_on();
      if (const Time now = steady_clock::now(); next_due() <= now) tend(now);
      guard.lock();
      continue;
    }
    Message message = std::move(queue_.front());
    queue_.pop_front();
    if (auto* events = std::get_if<Events>(&message)) backlog_ -= events->events.size();
    guard.unlock();
    if (auto* events = std::get_if<Events>(&message)) {
      take(*events);
    } else if (auto* crawl = std::get_if<Crawl>(&message)) {
      ++crawls_running_;
      files_found_ = 0;
      if (crawl->root.empty()) left_undone_ = false;
      for (const std::string& root : in_.roots.names()) {
        if (crawl->root.empty() || crawl->root == root) crawl_root(root, *crawl);
      }
      --crawls_running_;
    } else if (auto* poll = std::get_if<Poll>(&message)) {
      poll_pass(poll->ticket);
    } else {
      racy_walk_.emplace();
    }
    message = RecheckRacy{};  // lets the ticket go before the next wait
    const Time now = steady_clock::now();
    if (next_due() <= now) tend(now);
    guard.lock();
  }
}

void Walker::walk_racy_on() {
  if (in_.pool.waiting() > racy_step) return;  // the last step's looks first
  if (racy_walk_->root >= in_.roots.names().size()) return racy_walk_.reset();
  const std::string& root = in_.roots.names()[racy_walk_->root];
  Result<Snapshot> snapshot = in_.snapshot();
  std::size_t rows = 0;
  const auto visit = [&](const std::string& path, const FileRow& row) {
    if (racily_clean(row)) in_.pool.request({root, path}, nullptr);
    racy_walk_->after = path;
    return ++rows < racy_step;
  };
  // What cannot be read now is looked at with the next crawl.
  const bool walked =
      snapshot && snapshot->for_each_file(root, "", std::string(racy_walk_->after), false, visit);
  if (!walked || rows < racy_step) racy_walk_ = RacyWalk{racy_walk_->root + 1, {}};
}

void Walker::tend(Time now) {
  flush_departures(now);
  try_put_off(now);
  if (now >= next_poll_) {
    next_poll_ = now + in_.poll_interval;
    if (any_polled()) poll_pass(in_.ledger.issue());
  }
  if (in_.audit_interval.count() > 0 && !audit_ && now >= next_audit_) audit_.emplace();
  if (now >= next_root_look_) {
    next_root_look_ = now + root_interval;
    // A root that is removed sends no event while its descriptor is open; one that comes back,
    // neither.
    for (const RootStatus& root : in_.roots.status()) {
      const bool gone = in_.roots.presence(root.name) == Roots::Presence::gone;
      if ((root.state != "offline" && !gone) || retries_.contains({root.name, ""})) continue;
      crawl_root(root.name, {root.name, in_.ledger.issue(), false, false});
    }
  }
}

void Walker::take(Events& message) {
  for (const WatchEvent& event : message.events) take_event(event, message.ticket);
}

void Walker::take_event(const WatchEvent& event, const Ticket& ticket) {
  if (event.kind == Kind::overflow) {
    ++recrawls_;
    for (const std::string& root : in_.roots.names())
      crawl_root(root, {root, ticket, false, false});
    return;
  }
  if (event.kind == Kind::ignored) {
    tree_.forget_watch(event.watch);
    return count_folders();
  }
  const std::optional<FolderName> folder = tree_.by_watch(event.watch);
  if (!folder) return;  // of a folder that was left
  if (event.kind == Kind::unmounted) {
    ++recrawls_;
    return crawl_root(folder->root, {folder->root, ticket, false, false});
  }
  if (event.kind == Kind::self_gone) {
    // A folder below a root: its parent tells. The root itself: see whether it is there.
    if (folder->path.empty()) crawl_root(folder->root, {folder->root, ticket, false, false});
    return;
  }
  if (event.name.empty()) {
    if (event.kind == Kind::attributes) {
      std::vector<FolderName> subfolders;
      scan_folder(*folder, {ticket}, true, subfolders);
      for (const FolderName& subfolder : subfolders) scan_tree(subfolder, {ticket});
    }
    return;
  }
  if (event.folder) return take_folder_event(event, *folder, ticket);
  take_file_event(event, {folder->root, join_path(folder->path, event.name)}, ticket);
}

void Walker::take_folder_event(const WatchEvent& event, const FolderName& folder,
                               const Ticket& ticket) {
  const FolderName name{folder.root, join_path(folder.path, event.name)};
  switch (event.kind) {
    case Kind::moved_from: {
      Departure departure{name, true, ticket, steady_clock::now() + departure_patience};
      const auto earlier = moved_on_.extract(name);
      if (earlier) {  // it was on its way already
        departure.name = earlier.mapped().name;
        departure.ticket = earlier.mapped().ticket;
      }
      departures_[event.cookie] = std::move(departure);
      // Something of it may have been seen here all the same.
      if (earlier) refresh_folder(name, ticket);
      return;
    }
    case Kind::moved_to:
      if (const auto departure = departures_.extract(event.cookie)) {
        return arrive(departure.mapped(), name);
      }
      return refresh_folder(name, ticket);
    case Kind::deleted:
      return refresh_folder(name, ticket);
    default: {  // created, attributes
      if (in_.rules()->ignored(name.path)) return;
      const WatchedFolder* known = tree_.find(name);
      const auto root = in_.roots.fd(name.root);
      if (known && root) {
        // Found by a walk before its event was read: then nothing is left to do.
        Result<FolderEntry> entry = stat_entry(root->get(), name.path);
        if (entry && entry->type == FolderEntry::Type::folder &&
            entry->facts.inode == known->inode) {
          return;
        }
      }
      return refresh_folder(name, ticket);
    }
  }
}

void Walker::take_file_event(const WatchEvent& event, const FragmentName& name,
                             const Ticket& ticket) {
  const bool eligible = !in_.rules()->ignored(name.path) && in_.rules()->find(name) != nullptr;
  if (event.kind == Kind::moved_from) {
    if (eligible) {
      departures_[event.cookie] = {name, false, ticket, steady_clock::now() + departure_patience};
    }
    return;
  }
  if (event.kind == Kind::moved_to) {
    if (auto it = departures_.find(event.cookie); it != departures_.end()) {
      const FragmentName from = it->second.name;
      departures_.erase(it);
      if (!eligible) return in_.pool.request(from, ticket);
      if (from != name) return in_.pool.request_renames({{from, name}}, ticket);
    }
  }
  if (!eligible) return;
  if (event.kind == Kind::modified) return in_.pool.request(name, ticket, write_patience);
  in_.pool.request(name, ticket);
}

// A folder that is not where it went to has been renamed again: the index still has its files under
// the first name, and will have them under the last one.
void Walker::arrive(const Departure& departure, const FolderName& at) {
  if (departure.name == at) return refresh_folder(at, departure.ticket);
  bool gone = false;
  if (const auto root = in_.roots.fd(at.root)) {
    const Result<FolderEntry> found = stat_entry(root->get(), at.path);
    gone = found && found->type == FolderEntry::Type::vanished;
  }
  if (!gone) return move_folder(departure.name, at, departure.ticket);
  if (const auto other = moved_on_.extract(at)) depart(other.mapped());
  moved_on_[at] = departure;
  moved_on_[at].due = steady_clock::now() + departure_patience;
  refresh_folder(at, departure.ticket);
}

void Walker::depart(const Departure& departure) {
  if (departure.folder) {
    refresh_folder(departure.name, departure.ticket);
  } else {
    in_.pool.request(departure.name, departure.ticket);
  }
}

void Walker::flush_departures(Time now) {
  const auto flush = [&](auto& departures) {
    for (auto it = departures.begin(); it != departures.end();) {
      if (it->second.due > now) {
        ++it;
        continue;
      }
      const Departure departure = std::move(it->second);
      it = departures.erase(it);
      depart(departure);
    }
  };
  flush(departures_);
  flush(moved_on_);
}

}  // namespace jcn
