// What the routes ask of the daemon. The daemon implements it; tests of the routes fake it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "answer_counters.h"
#include "feed_gate.h"
#include "fragment_files.h"
#include "http_counters.h"
#include "jcn/index_readers.h"
#include "jcn/record.h"
#include "jcn/result.h"
#include "jcn/rules.h"
#include "jcn/snapshot.h"
#include "page_budget.h"
#include "snapshot_maker.h"
#include "status_history.h"
#include "webhooks.h"
#include "work_counts.h"

namespace jcn {

struct RootStatus {
  std::string name;
  std::string path;   // absolute
  std::string state;  // crawling, watching, polling, offline
};

// What is being done with the index itself, and was done since start.
struct Upkeep {
  std::string state;  // idle, scrubbing, examining, repairing, rebuilding, compacting, reading,
                      // reindexing
  std::uint64_t done = 0, total = 0;  // records, while the index is written anew
  std::uint64_t scrubs = 0, damage_found = 0, rewrites = 0;
  std::int64_t last_scrub_ns = 0;  // 0: none yet
  // Of what was asked for: how many times, and how many are over; the last one's failure, or empty.
  std::uint64_t asked = 0, finished = 0;
  std::string failure;
};
enum class UpkeepWork : std::uint8_t { compact, reindex };

struct Status {
  std::string index;  // absolute folder
  std::vector<RootStatus> roots;
  std::string crawl_state;  // running, done
  std::uint64_t crawl_done = 0,
                crawl_total = 0;  // files looked at; total grows while folders are found
  std::uint64_t recrawls = 0;
  std::uint64_t audits = 0;  // that were gone through
  std::uint64_t fragments_read = 0;
  std::uint64_t fresh = 0;  // record changes not folded yet
  std::uint64_t fresh_bytes = 0;
  std::uint64_t fresh_limit_bytes = 0;
  std::uint64_t queue = 0;  // looks waiting or under way
  std::uint64_t index_bytes = 0;
  Upkeep upkeep;
  std::uint64_t memory_waits = 0;  // since start
  IntakeCounts intake;
  FoldCounts folds;
  std::uint64_t folders_watched = 0, folders_polled = 0;
  std::uint64_t watch_limit = 0;        // of this user; 0: not known
  std::optional<IndexReaders> readers;  // absent: that could not be found out
};

// Why /readyz is 503 (ready == false), or 200 with degradations.
struct Reason {
  std::string code;    // crawling, root_offline, watch_limit, fold_failing, ...
  std::string detail;  // with the exact remedy, e.g. the sysctl
};
struct Readiness {
  bool ready = false;
  std::vector<Reason> reasons;
};

struct SyncAnswer {
  std::uint64_t seq = 0;
  std::vector<FragmentName> unsettled;
};

// What a writer has put at a path, and waits to see in the index.
struct Awaited {
  FragmentName name;
  std::optional<Hash128> content;  // absent: it was removed
};
struct SeenAt {
  std::uint64_t seq = 0;
  // In the order of what was asked for. False: the index has something else there, or has not got
  // round to it.
  std::vector<bool> visible;
};

struct Explanation {
  std::string root, path;
  std::string status;  // ignored, pending, indexed, rejected, orphan
  std::string why;
  std::optional<std::size_t> rule;  // index of the matching rule
  std::optional<std::string> kind;  // that the rule gives
  std::optional<RecordKey> key;     // of the record that its content is part of
  std::optional<FileRow> row;
};

class Service {
 public:
  virtual ~Service() = default;
  // All may be called from any thread.
  virtual Result<Snapshot> snapshot() = 0;
  virtual std::shared_ptr<const Rules> rules() = 0;       // replaced as a whole by a reload
  virtual std::chrono::milliseconds query_timeout() = 0;  // of one listing
  virtual Status status() = 0;
  // The last so many minutes (StatusHistory::rows).
  virtual Result<std::vector<StatusHistory::Row>> history(std::size_t minutes) = 0;
  virtual Readiness readiness() = 0;
  // Waits until everything dropped before is visible. Errors: sync_timeout, not_ready, index_full.
  virtual Result<SyncAnswer> sync(std::chrono::milliseconds timeout, bool durable) = 0;
  // Absolute path. Errors: no_such_root when it is beneath none.
  virtual Result<FragmentName> locate(const std::string& absolute_path) = 0;
  // Errors: no_such_root.
  virtual Result<Explanation> explain(const FragmentName& name) = 0;
  // Takes what an offline root shows now as the truth.
  virtual Result<void> accept(const std::string& root) = 0;
  // The index is written anew; returns Upkeep::asked of this. Errors: overloaded, not_ready.
  virtual Result<std::uint64_t> take_care(UpkeepWork work) = 0;
  // Absent while what the index says is not to be believed, or not all there. Another number than
  // before: it has not been so all the time.
  virtual std::optional<std::uint64_t> answering() = 0;
  // An answer failed with it. Damage of the index is looked into.
  virtual void failed(const Error& error) = 0;
  virtual FeedGate& feeds() = 0;
  virtual FragmentFiles& fragments() = 0;
  virtual Webhooks& webhooks() = 0;
  // Looks at these paths, and waits until what is there now is visible. Errors: sync_timeout.
  virtual Result<SeenAt> wait_until_seen(const std::vector<Awaited>& awaited,
                                         std::chrono::milliseconds timeout) = 0;
  // The last SQLite snapshot. Errors: those of SnapshotMaker::latest.
  virtual Result<SnapshotFile> snapshot_file() = 0;
  PageBudget pages;
  AnswerCounters answers;  // counted by handle()
  // Counted by the server in front of the routes.
  const std::shared_ptr<HttpCounters> http = std::make_shared<HttpCounters>();
};

}  // namespace jcn
