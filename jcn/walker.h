// The walker: turns events and crawls into looks. It alone knows which folders are watched. A
// folder is watched before it is read, so that nothing falls between; after lost events it goes
// over everything again by the first crawl's own path.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "config.h"
#include "folder_move.h"
#include "folder_retries.h"
#include "folder_tree.h"
#include "inotify.h"
#include "jcn/descriptor_reserve.h"
#include "jcn/snapshot.h"
#include "ledger.h"
#include "reading_pool.h"
#include "roots.h"

namespace jcn {

class Walker {
 public:
  struct Surroundings {
    Roots& roots;
    ReadingPool& pool;
    Ledger& ledger;
    const Inotify* inotify;  // null: everything is polled
    std::function<Result<Snapshot>()> snapshot;
    std::function<std::shared_ptr<const Rules>()> rules;
    // Keeps a note in the index (Batch::notes), from the walker's thread.
    std::function<void(std::string name, std::string value)> keep_note;
    std::chrono::milliseconds poll_interval;
    std::set<std::string> polled_roots;           // by configuration
    std::chrono::milliseconds audit_interval{0};  // 0: never
  };

  explicit Walker(Surroundings surroundings);
  ~Walker();
  // Walks end early; does not wait for it.
  void begin_stop();
  void stop();

  // All of these may be called from any thread and never block.
  void events(std::vector<WatchEvent> events, Ticket ticket);
  // Goes over a root, or over all (empty name). The ticket is held by all looks that it causes.
  // `accept`: an offline root's folder is taken as it is. `read_all`: files are read that seem to
  // be as they were, too.
  void crawl(std::string root, Ticket ticket, bool judge_anew, bool accept = false,
             bool read_all = false);
  // One pass over the polled folders.
  void poll(Ticket ticket);
  // Looks again at every file that was read too soon after its last change (racily_clean).
  void recheck_racy();

  bool any_polled() const { return polled_count_ > 0; }
  std::size_t polled() const { return polled_count_; }  // folders
  std::size_t watches() const { return watches_; }
  std::size_t backlog() const;  // events that wait
  std::uint64_t recrawls() const { return recrawls_; }
  std::uint64_t audits() const { return audits_; }  // that were gone through
  std::uint64_t files_found() const { return files_found_; }
  std::uint64_t crawls_running() const { return crawls_running_; }
  // Folders that could not be read yet: what changed in them is not known.
  std::vector<FolderName> unsettled() const;
  // Of all that was crawled, something was given up for now: it is judged by other rules, maybe.
  bool left_undone() const { return left_undone_; }
  std::vector<Reason> reasons() const;

 private:
  struct Events {
    std::vector<WatchEvent> events;
    Ticket ticket;
  };
  struct Crawl {
    std::string root;
    Ticket ticket;
    bool judge_anew, accept;
    bool read_all = false;
  };
  struct Poll {
    Ticket ticket;
  };
  struct RecheckRacy {};
  using Message = std::variant<Events, Crawl, Poll, RecheckRacy>;
  using Time = std::chrono::steady_clock::time_point;

  // One end of a rename, waiting for the other.
  struct Departure {
    FragmentName name;
    bool folder;
    Ticket ticket;
    Time due;
  };
  // What a scan was asked for.
  struct Scan {
    Ticket ticket;
    bool judge_anew = false;
    FolderMove* move = nullptr;  // files here are the other ends of renames
    bool read_all = false;       // whether they seem to have changed or not
  };

  void run();
  void push(Message message);
  void take(Events& message);
  void take_event(const WatchEvent& event, const Ticket& ticket);
  void take_folder_event(const WatchEvent& event, const FolderName& folder, const Ticket& ticket);
  void take_file_event(const WatchEvent& event, const FragmentName& name, const Ticket& ticket);
  void arrive(const Departure& departure, const FolderName& at);
  void depart(const Departure& departure);
  void flush_departures(Time now);
  void tend(Time now);  // timers: departures, polling, offline roots
  Time next_due() const;
  void walk_racy_on();  // a few steps: events come first

  // walker_scan.cc
  void crawl_root(const std::string& root, const Crawl& crawl);
  void go_offline(const std::string& root, std::string why);
  bool any_known_file(const std::string& root, int root_fd);
  void move_folder(const FolderName& from, const FolderName& to, const Ticket& ticket);
  // Reads the folder and all below it afresh, and looks at what the index knows there.
  void refresh_folder(const FolderName& name, const Ticket& ticket, bool judge_anew = false);
  void scan_tree(const FolderName& top, const Scan& scan);
  enum class Scanned : std::uint8_t { done, gone, put_off };
  Scanned scan_folder(const FolderName& name, const Scan& scan, bool new_only,
                      std::vector<FolderName>& subfolders);
  void look_at_lost(const FolderName& top, const Scan& scan);
  std::optional<FolderName> watch_folder(const FolderName& name, int folder_fd);
  void count_folders();  // whenever tree_ has changed
  void release_watches(const std::vector<int>& watches);
  void poll_pass(const Ticket& ticket);

  // walker_audit.cc
  void walk_audit_on();  // a few folders: events come first
  void audit_folder(const FolderName& name);

  // walker_put_off.cc
  void put_off(const FolderName& name, const Scan& scan, const Error& why);
  // False: it was tried often enough; it is offline then.
  bool put_off_root(const std::string& root, const Crawl& crawl, const Error& why);
  void try_put_off(Time now);
  void show_put_off();
  void note_reason(const std::string& key, Reason reason);
  void clear_reason(const std::string& key);
  static std::string folder_reason(const FolderName& name);  // its key
  void forget_reasons(const FolderName& name);               // of the folder and all below it

  const Surroundings in_;
  std::atomic<std::uint64_t> recrawls_{0}, audits_{0}, files_found_{0}, crawls_running_{0};
  std::atomic<std::size_t> polled_count_{0}, watches_{0};
  std::atomic<bool> stopping_{false};  // walks end early
  std::atomic<bool> left_undone_{false};

  // Confined to the walker's thread.
  FolderTree tree_;
  // How far the second look at racily clean files is: root by index, and the path it came to.
  struct RacyWalk {
    std::size_t root = 0;
    std::string after;
  };
  std::optional<RacyWalk> racy_walk_;
  // How far the audit is.
  struct Audit {
    std::optional<FolderName> at;  // the last folder that it went over
  };
  std::optional<Audit> audit_;
  Time next_audit_;
  bool moving_ = false;       // in move_folder: what is renamed meanwhile has its own event
  bool watch_limit_ = false;  // some folder could not be watched for want of watches
  bool watches_left_ = true;  // not in this pass over the polled folders
  std::map<std::uint32_t, Departure> departures_;  // by cookie
  std::map<FolderName, Departure> moved_on_;       // by where it was to arrive, and is no more
  FolderRetries retries_;
  DescriptorReserve reserve_;
  Time next_poll_;
  Time next_root_look_;

  mutable std::mutex lock_;
  std::condition_variable wake_;
  std::deque<Message> queue_;              // guarded by lock_
  std::size_t backlog_ = 0;                // guarded by lock_
  std::map<std::string, Reason> reasons_;  // guarded by lock_
  std::vector<FolderName> unsettled_;      // of retries_; guarded by lock_
  bool stopped_ = false;                   // guarded by lock_
  std::thread thread_;
};

}  // namespace jcn
