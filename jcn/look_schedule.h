// The schedule of looks: which path is read when. A pure state machine: it owns no thread and no
// clock, so that tests step it.
//
// Invariants:
// 1. At most one look per path is under way. A request for such a path marks it dirty: it is looked
//    at again afterwards.
// 2. A group (the ends of renames that belong together) is looked at as one job, and only when none
//    of its paths is under way. While it waits for that, none of the others is looked at alone.
//    Fewer files than were renamed: they are on their way to names that are not known yet.
// 3. Settle: a torn file is looked at again after settle.first, then settle.second; only then is
//    its verdict final. A change in between begins the count anew, under the later event's ticket:
//    earlier barriers then list the path as unsettled instead of waiting for it.
// 4. Requests without a ticket (background work) are taken up only when nothing else is ready.
// 5. A file that was last changed longer ago than both delays is settled already.
// 6. A watcher dies with the first look that begins after its request, once that is published (or
//    given up): also where an earlier ticket makes the request's own one unneeded.
// Not thread-safe: ReadingPool guards it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "jcn/record.h"
#include "ledger.h"

namespace jcn {

struct SettleDelays {
  std::chrono::milliseconds first{100};
  std::chrono::milliseconds second{500};
};

// How long what could not be read waits for the next try, after so many failures in a row: 100 ms,
// doubling, at most 5 s.
std::chrono::milliseconds back_off(std::uint32_t failures);
// After so many of them barriers no longer wait for it; it is tried on, in the background.
inline constexpr std::uint32_t patient_failures = 4;

struct Rename {
  FragmentName from, to;
};

struct LookJob {
  struct Item {
    FragmentName name;
    Ticket ticket;
    bool judge_anew = false;
    std::uint32_t failures = 0;  // looks in a row that could not be finished (ReadLater)
  };
  std::vector<Item> items;      // one, or the ends of renames
  std::vector<Rename> renames;  // that led to them
};
// Each of them should be found, under one of its names: how many paths, those that renames join
// counted once.
std::size_t files_of(const LookJob& job);

enum class LookEnd : std::uint8_t {
  settled,  // a verdict, publish it
  torn,     // a verdict that a writer in mid-write can cause
  later,    // could not be finished
};

class LookSchedule {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit LookSchedule(SettleDelays delays) : delays_(delays) {}

  void request(const FragmentName& name, Ticket ticket, Time now, std::chrono::milliseconds delay,
               bool judge_anew, Watcher watcher = nullptr);
  void request_renames(const std::vector<Rename>& renames, const Ticket& ticket);

  std::optional<LookJob> next(Time now);
  // When next() will have something without another request; absent: never.
  std::optional<Time> next_time() const;

  // What became of one item of a job. True: publish the verdict (a torn one, too, once it is
  // final). `unchanged_for`: how long ago the file was last changed, by its ctime. The path stays
  // under way.
  bool finished(const LookJob::Item& item, LookEnd end, const FileFacts& facts,
                std::chrono::nanoseconds unchanged_for);
  // For renames of which fewer files were found: true when they will be looked at again shortly,
  // instead of being published; then the job is not to be finished and released.
  bool postpone(const LookJob& job, Time now);
  // The item's verdict, if any, is in the hands of the next room: the path may be looked at again.
  // (Earlier, a later verdict could overtake it.)
  void release(const LookJob::Item& item, Time now);

  std::size_t size() const { return entries_.size(); }
  // About: places that became stale count.
  std::size_t ready() const { return ready_.size() + idle_.size(); }
  bool contains(const FragmentName& name) const { return entries_.contains(name); }
  // Something beneath the prefix is ready or under way.
  bool busy(const std::string& root, const std::string& prefix) const;
  std::vector<FragmentName> beneath(const std::string& root, const std::string& prefix) const;
  // Paths that wait for a quiet moment, or could not be read yet.
  std::vector<FragmentName> unsettled() const;

 private:
  struct NameHash {
    std::size_t operator()(const FragmentName& name) const;
  };
  enum class Phase : std::uint8_t { waiting, ready, under_way };
  struct Entry {
    Phase phase = Phase::ready;
    Time due;                   // while waiting
    std::uint64_t version = 0;  // of its place in ready_ or waiting_; older places are stale
    Ticket ticket;
    bool judge_anew = false;
    std::uint8_t torn_looks = 0;
    std::uint8_t postponed = 0;
    std::uint32_t failures = 0;
    FileFacts torn_facts;
    bool again = false;  // after this look, in any case
    std::chrono::milliseconds again_delay{0};
    bool published = false;
    bool dirty = false;
    bool dirty_anew = false;
    std::chrono::milliseconds dirty_delay{0};
    Ticket dirty_ticket;
    std::vector<Watcher> watchers, dirty_watchers;
  };
  struct Place {
    std::vector<FragmentName> names;
    std::uint64_t version = 0;
  };
  struct Group {
    std::vector<FragmentName> names;  // each once
    std::vector<Rename> renames;
  };
  struct BlockedGroup {
    Group group;
    Ticket ticket;
    bool judge_anew = false;
    std::vector<Watcher> watchers = {};
  };

  void place(const FragmentName& name, Entry& entry, Time now, std::chrono::milliseconds delay);
  void begin_group(BlockedGroup wanted);
  void unblock_groups();
  bool under_way(const FragmentName& name) const;

  const SettleDelays delays_;
  std::unordered_map<FragmentName, Entry, NameHash> entries_;
  std::deque<Place> ready_;
  std::deque<Place> idle_;  // ready, too, but only background work
  std::multimap<Time, Place> waiting_;
  std::vector<BlockedGroup> blocked_;
  std::unordered_map<std::uint64_t, Group> groups_;  // by their place's version
  std::uint64_t versions_ = 0;
};

}  // namespace jcn
