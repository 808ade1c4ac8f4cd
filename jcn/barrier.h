// The barrier: a rename in a private folder of jcn's own, watched by the same inotify instance.
// inotify(7) keeps order within an instance, across folders and file systems: once the rename is
// read, everything that happened before it has been read.
#pragma once

#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "inotify.h"
#include "jcn/result.h"
#include "ledger.h"

namespace jcn {

// Thread-safe.
class Barrier {
 public:
  // Makes FOLDER/barrier with its token file. Without inotify, barriers are raised at once.
  static Result<std::unique_ptr<Barrier>> open(const std::string& index_folder,
                                               const Inotify* inotify, Ledger& ledger);

  // The future holds the epoch that must settle.
  Result<std::future<Ledger::Epoch>> raise();

  bool is_own(const WatchEvent& event) const { return watched_ && event.watch == watch_; }
  // An event of its own, read after all that came before it was handed on with tickets.
  void take(const WatchEvent& event);
  // Events were lost, maybe the barrier's own: call it once the recrawl has its ticket.
  void overflow();

 private:
  Barrier(std::string folder, int watch, bool watched, Ledger& ledger)
      : folder_(std::move(folder)), watch_(watch), watched_(watched), ledger_(ledger) {}
  void resolve_up_to(std::uint64_t number);
  std::string token(std::uint64_t number) const;

  const std::string folder_;
  const int watch_;
  const bool watched_;
  Ledger& ledger_;
  std::mutex lock_;
  std::uint64_t number_ = 0;  // of the token now; guarded by lock_
  std::map<std::uint64_t, std::promise<Ledger::Epoch>> waiting_;  // guarded by lock_
};

}  // namespace jcn
