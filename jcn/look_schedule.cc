#include "look_schedule.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace jcn {
namespace {

using std::chrono::milliseconds;

// After so many failures in a row the verdict is published (read_error, unstable).
constexpr std::uint32_t failures_before_verdict = patient_failures;

// A file on its way through several names is found at the next one within this time.
constexpr milliseconds postpone_delay{4};
constexpr std::uint8_t postpone_limit = 3;

}  // namespace

milliseconds back_off(std::uint32_t failures) {
  return std::min(milliseconds(5000), milliseconds(50) * (1U << std::min(failures, 7U)));
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
                           bool judge_anew) {
  auto [it, fresh] = entries_.try_emplace(name);
  Entry& entry = it->second;
  entry.judge_anew |= judge_anew && entry.phase != Phase::under_way;
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
        return request_group(std::vector<FragmentName>(group->second), ticket);
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

void LookSchedule::request_pair(const FragmentName& from, const FragmentName& to,
                                const Ticket& ticket, Time now) {
  if (from == to) return request(to, ticket, now, milliseconds(0), false);
  request_group({from, to}, ticket);
}

void LookSchedule::request_group(std::vector<FragmentName> names, const Ticket& ticket) {
  // With the groups that its names wait in already.
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto entry = entries_.find(names[i]);
    if (entry == entries_.end() || entry->second.phase == Phase::under_way) continue;
    const auto group = groups_.find(entry->second.version);
    if (group == groups_.end()) continue;
    for (const FragmentName& name : group->second) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  if (std::any_of(names.begin(), names.end(),
                  [this](const FragmentName& name) { return under_way(name); })) {
    blocked_.push_back({std::move(names), ticket});
    return;
  }
  const std::uint64_t version = ++versions_;
  for (const FragmentName& name : names) {
    Entry& entry = entries_[name];
    groups_.erase(entry.version);
    if (!entry.ticket) entry.ticket = ticket;
    entry.phase = Phase::ready;
    entry.version = version;
    entry.torn_looks = 0;
    entry.failures = 0;
    entry.postponed = 0;
  }
  groups_[version] = names;
  ready_.push_back({std::move(names), version});
}

bool LookSchedule::postpone(const LookJob& job, Time now) {
  if (job.items.size() < 2) return false;
  for (const LookJob::Item& item : job.items) {
    if (entries_.at(item.name).postponed >= postpone_limit) return false;
  }
  const std::uint64_t version = ++versions_;
  std::vector<FragmentName> names;
  for (const LookJob::Item& item : job.items) {
    Entry& entry = entries_.at(item.name);
    ++entry.postponed;
    entry.phase = Phase::waiting;
    entry.version = version;
    entry.dirty = false;  // it is looked at again in any case
    entry.dirty_ticket.reset();
    entry.judge_anew |= entry.dirty_anew;
    names.push_back(item.name);
  }
  groups_[version] = names;
  waiting_.emplace(now + postpone_delay, Place{std::move(names), version});
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
    groups_.erase(place.version);
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
    if (entry.failures >= failures_before_verdict) entry.ticket.reset();
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
  for (BlockedGroup& group : blocked) request_group(std::move(group.names), group.ticket);
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
