#include "look_schedule.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "growing_pause.h"

namespace jcn {
namespace {

using std::chrono::milliseconds;

// After so many failures in a row the verdict is published (read_error, unstable).
constexpr std::uint32_t failures_before_verdict = patient_failures;

// A file on its way through several names is found at the next one after this time, or twice that,
// four times: 60 ms in all.
constexpr milliseconds postpone_delay{4};
constexpr std::uint8_t postpone_limit = 4;

bool contains(const std::vector<FragmentName>& names, const FragmentName& name) {
  return std::ranges::find(names, name) != names.end();
}
void add_once(const FragmentName& name, std::vector<FragmentName>& names) {
  if (!contains(names, name)) names.push_back(name);
}

// Which names are one file's is all that matters: a file that goes to and fro a thousand times has
// two. Without this each of its events would copy all of those before.
void add_once(const Rename& rename, std::vector<Rename>& renames) {
  const auto same = [&rename](const Rename& other) {
    return other.from == rename.from && other.to == rename.to;
  };
  if (std::ranges::none_of(renames, same)) renames.push_back(rename);
}

}  // namespace

std::size_t files_of(const LookJob& job) {
  std::map<FragmentName, FragmentName> later;  // another name of the same file
  const auto last = [&later](FragmentName name) {
    for (auto at = later.find(name); at != later.end(); at = later.find(name)) name = at->second;
    return name;
  };
  for (const Rename& rename : job.renames) {
    FragmentName from = last(rename.from), to = last(rename.to);
    if (from != to) later.emplace(std::move(from), std::move(to));
  }
  std::set<FragmentName> files;
  for (const LookJob::Item& item : job.items) files.insert(last(item.name));
  return files.size();
}

milliseconds back_off(std::uint32_t failures) {
  return growing_pause(failures, milliseconds(100), milliseconds(5000));
}

std::size_t LookSchedule::NameHash::operator()(const FragmentName& name) const {
  return std::hash<std::string>{}(name.path) * 31 + std::hash<std::string>{}(name.root);
}

void LookSchedule::place(const FragmentName& name, Entry& entry, Time now, milliseconds delay) {
  entry.version = ++versions_;
  Place place{{name}, entry.version};
  if (delay.count() == 0) {
    entry.phase = Phase::ready;
    (entry.ticket ? ready_ : idle_).push_back(std::move(place));
  } else {
    entry.phase = Phase::waiting;
    entry.due = now + delay;
    waiting_.emplace(entry.due, std::move(place));
  }
}

void LookSchedule::request(const FragmentName& name, Ticket ticket, Time now, milliseconds delay,
                           bool judge_anew, Watcher watcher) {
  if (!under_way(name)) {
    for (BlockedGroup& group : blocked_) {
      if (!jcn::contains(group.group.names, name)) continue;
      if (!group.ticket) group.ticket = std::move(ticket);
      group.judge_anew |= judge_anew;
      if (watcher) group.watchers.push_back(std::move(watcher));
      return;
    }
  }
  auto [it, fresh] = entries_.try_emplace(name);
  Entry& entry = it->second;
  entry.judge_anew |= judge_anew && entry.phase != Phase::under_way;
  if (watcher) {
    const bool begun = !fresh && entry.phase == Phase::under_way;
    (begun ? entry.dirty_watchers : entry.watchers).push_back(std::move(watcher));
  }
  if (fresh) {
    entry.ticket = std::move(ticket);
    place(name, entry, now, delay);
    return;
  }
  switch (entry.phase) {
    case Phase::ready:  // not begun: it will see this change
      if (!entry.ticket && ticket) {
        entry.ticket = std::move(ticket);
        if (!groups_.contains(entry.version)) place(name, entry, now, milliseconds(0));
      }
      return;
    case Phase::waiting:
      if (auto group = groups_.find(entry.version); group != groups_.end()) {
        // A postponed rename: its ends stay together.
        return begin_group({{{name}, {}}, ticket});
      }
      if (ticket) entry.failures = 0;  // whoever asks has some patience again
      if (delay.count() == 0) {
        entry.torn_looks = 0;
        if (!entry.ticket) entry.ticket = std::move(ticket);
        place(name, entry, now, delay);
      } else if (ticket) {  // still being written: wait on, for the later event
        entry.torn_looks = 0;
        entry.ticket = std::move(ticket);
        place(name, entry, now, delay);
      }
      return;
    case Phase::under_way:
      if (!entry.dirty || delay < entry.dirty_delay) entry.dirty_delay = delay;
      if (!entry.dirty_ticket) entry.dirty_ticket = std::move(ticket);
      entry.dirty = true;
      entry.dirty_anew |= judge_anew;
      return;
  }
}

bool LookSchedule::under_way(const FragmentName& name) const {
  auto it = entries_.find(name);
  return it != entries_.end() && it->second.phase == Phase::under_way;
}

void LookSchedule::request_renames(const std::vector<Rename>& renames, const Ticket& ticket) {
  Group group;
  for (const Rename& rename : renames) {
    add_once(rename.from, group.names);
    add_once(rename.to, group.names);
    add_once(rename, group.renames);
  }
  begin_group({std::move(group), ticket});
}

void LookSchedule::begin_group(BlockedGroup wanted) {
  Group& group = wanted.group;
  // With the groups that its names wait in already.
  std::vector<std::uint64_t> joined;
  for (std::size_t i = 0; i < group.names.size(); ++i) {
    const auto entry = entries_.find(group.names[i]);
    if (entry == entries_.end() || entry->second.phase == Phase::under_way) continue;
    const std::uint64_t version = entry->second.version;
    const auto waiting = groups_.find(version);
    if (waiting == groups_.end() || std::ranges::find(joined, version) != joined.end()) continue;
    joined.push_back(version);
    for (const Rename& rename : waiting->second.renames) add_once(rename, group.renames);
    for (const FragmentName& name : waiting->second.names) add_once(name, group.names);
  }
  if (std::ranges::any_of(group.names,
                          [this](const FragmentName& name) { return under_way(name); })) {
    blocked_.push_back(std::move(wanted));
    return;
  }
  for (const std::uint64_t version : joined) groups_.erase(version);
  const std::uint64_t version = ++versions_;
  for (const FragmentName& name : group.names) {
    Entry& entry = entries_[name];
    if (!entry.ticket) entry.ticket = wanted.ticket;
    entry.judge_anew |= wanted.judge_anew;
    entry.phase = Phase::ready;
    entry.version = version;
    entry.torn_looks = 0;
    entry.failures = 0;
    entry.postponed = 0;
    entry.watchers.insert(entry.watchers.end(), wanted.watchers.begin(), wanted.watchers.end());
  }
  ready_.push_back({group.names, version});
  groups_[version] = std::move(group);
}

bool LookSchedule::postpone(const LookJob& job, Time now) {
  if (job.items.size() < 2) return false;
  for (const LookJob::Item& item : job.items) {
    if (entries_.at(item.name).postponed >= postpone_limit) return false;
  }
  const std::uint64_t version = ++versions_;
  Group group;
  group.renames = job.renames;
  std::uint8_t before = 0;
  for (const LookJob::Item& item : job.items) {
    Entry& entry = entries_.at(item.name);
    before = std::max(before, entry.postponed++);
    entry.phase = Phase::waiting;
    entry.version = version;
    entry.dirty = false;  // it is looked at again in any case
    entry.dirty_ticket.reset();
    std::ranges::move(std::exchange(entry.dirty_watchers, {}), std::back_inserter(entry.watchers));
    entry.judge_anew |= entry.dirty_anew;
    group.names.push_back(item.name);
  }
  waiting_.emplace(now + postpone_delay * (1U << before), Place{group.names, version});
  groups_[version] = std::move(group);
  if (!blocked_.empty()) unblock_groups();
  return true;
}

std::optional<LookJob> LookSchedule::next(Time now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    Place place = std::move(waiting_.extract(waiting_.begin()).mapped());
    bool due = false;
    for (const FragmentName& name : place.names) {
      auto it = entries_.find(name);
      if (it == entries_.end() || it->second.version != place.version) continue;  // stale
      it->second.phase = Phase::ready;
      due = true;
    }
    if (due) ready_.push_back(std::move(place));
  }
  while (!ready_.empty() || !idle_.empty()) {
    std::deque<Place>& from = ready_.empty() ? idle_ : ready_;
    Place place = std::move(from.front());
    from.pop_front();
    LookJob job;
    if (const auto group = groups_.extract(place.version))
      job.renames = std::move(group.mapped().renames);
    for (const FragmentName& name : place.names) {
      auto it = entries_.find(name);
      if (it == entries_.end() || it->second.version != place.version) continue;  // stale
      Entry& entry = it->second;
      entry.phase = Phase::under_way;
      job.items.push_back({name, entry.ticket, entry.judge_anew, entry.failures});
    }
    if (!job.items.empty()) return job;
  }
  return std::nullopt;
}

std::optional<LookSchedule::Time> LookSchedule::next_time() const {
  if (!ready_.empty() || !idle_.empty()) return Time::min();
  if (!waiting_.empty()) return waiting_.begin()->first;
  return std::nullopt;
}

bool LookSchedule::finished(const LookJob::Item& item, LookEnd end, const FileFacts& facts,
                            std::chrono::nanoseconds unchanged_for) {
  Entry& entry = entries_.at(item.name);
  entry.published = end == LookEnd::settled;
  entry.again = false;

  if (end == LookEnd::torn) {
    const bool changed = entry.torn_looks > 0 && !(facts == entry.torn_facts);
    if (entry.torn_looks == 0 || changed) {
      entry.torn_looks = 0;
      entry.torn_facts = facts;
    }
    // A clock that was set back makes the age negative: then the file settles the slow way.
    const bool old = unchanged_for >= delays_.first + delays_.second;
    if (old || entry.torn_looks == 2) {
      entry.published = true;
    } else {
      entry.again_delay = entry.torn_looks == 0 ? delays_.first : delays_.second;
      entry.again = true;
      ++entry.torn_looks;
    }
    // A change is known already: a torn verdict from before it says nothing any more.
    if (entry.dirty) entry.published = false;
  } else if (end == LookEnd::later) {
    entry.published = ++entry.failures == failures_before_verdict;
    if (entry.failures >= failures_before_verdict) {
      entry.ticket.reset();
      entry.watchers.clear();
    }
    entry.again_delay = back_off(entry.failures);
    entry.again = true;
  }
  return entry.published;
}

void LookSchedule::release(const LookJob::Item& item, Time now) {
  auto it = entries_.find(item.name);
  Entry& entry = it->second;
  if (entry.dirty) {
    Entry next;  // the event's own look: settling begins anew, under the event's ticket
    next.ticket = std::move(entry.dirty_ticket);
    next.watchers = std::move(entry.dirty_watchers);
    next.judge_anew = entry.dirty_anew || (entry.judge_anew && !entry.published);
    const milliseconds delay = entry.dirty_delay;
    entry = std::move(next);
    place(item.name, entry, now, delay);
  } else if (entry.again) {
    place(item.name, entry, now, entry.again_delay);
  } else {
    entries_.erase(it);
  }
  if (!blocked_.empty()) unblock_groups();
}

void LookSchedule::unblock_groups() {
  std::vector<BlockedGroup> blocked = std::exchange(blocked_, {});
  for (BlockedGroup& group : blocked) begin_group(std::move(group));
}

bool LookSchedule::busy(const std::string& root, const std::string& prefix) const {
  return std::ranges::any_of(entries_, [&](const auto& each) {
    const auto& [name, entry] = each;
    return entry.phase != Phase::waiting && name.root == root && name.path.starts_with(prefix);
  });
}

std::vector<FragmentName> LookSchedule::beneath(const std::string& root,
                                                const std::string& prefix) const {
  std::vector<FragmentName> names;
  for (const auto& [name, entry] : entries_) {
    if (name.root == root && name.path.starts_with(prefix)) names.push_back(name);
  }
  return names;
}

std::vector<FragmentName> LookSchedule::unsettled() const {
  std::vector<FragmentName> names;
  for (const auto& [name, entry] : entries_) {
    // Given up: no barrier waits for it, not even while another try is under way.
    const bool given_up = entry.failures > 0 && !entry.ticket;
    if (given_up || (entry.phase == Phase::waiting && entry.ticket)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace jcn
