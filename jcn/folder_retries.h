// Folders that could not be read for a reason that may pass, and when each is tried again. A pure
// state machine like LookSchedule: it owns no thread and no clock.
//
// Invariants:
// 1. A folder holds the ticket of whoever asked first until it was read, or patient_failures times
//    in vain; so barriers wait for the first tries only.
// 2. A try that meets the same folder's failure twice counts once.
// Not thread-safe: confined to the walker.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "folder_tree.h"
#include "ledger.h"

namespace jcn {

class FolderRetries {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Errand {
    Ticket ticket;  // null: nobody waits any more
    bool judge_anew = false;
    bool open_root = false;  // the root itself could not be opened
    bool accept = false;     // of the root: Walker::crawl
  };

  // It could not be read: now, or once more in the try that was begun. Returns how often in a row.
  std::uint32_t failed(const FolderName& name, const Errand& errand, Time now);
  // What is to be tried now.
  std::vector<FolderName> due(Time now) const;
  std::optional<Time> next_due() const;
  // What to try; absent: forgotten meanwhile. Then ended(), which is true when the try did not
  // fail: the folder is forgotten.
  std::optional<Errand> begin(const FolderName& name);
  bool ended(const FolderName& name);
  void forget(const FolderName& name) { entries_.erase(name); }

  bool contains(const FolderName& name) const { return entries_.contains(name); }
  // It, or a folder above it, waits for another try: what is in it is not known.
  bool covers(FolderName name) const;
  std::vector<FolderName> names() const;

 private:
  struct Entry {
    enum class State : std::uint8_t { waiting, tried, failed_again } state = State::waiting;
    Errand errand;
    std::uint32_t failures = 0;
    Time due;
  };
  std::map<FolderName, Entry> entries_;
};

}  // namespace jcn
