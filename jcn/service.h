// What the routes ask of the daemon. The daemon implements it; tests of the routes fake it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "feed_gate.h"
#include "jcn/record.h"
#include "jcn/result.h"
#include "jcn/rules.h"
#include "jcn/snapshot.h"

namespace jcn {

struct RootStatus {
  std::string name;
  std::string path;   // absolute
  std::string state;  // crawling, watching, polling, offline
};

struct Status {
  std::string index;  // absolute folder
  std::vector<RootStatus> roots;
  std::string crawl_state;  // running, done
  std::uint64_t crawl_done = 0,
                crawl_total = 0;  // files looked at; total grows while folders are found
  std::uint64_t recrawls = 0;
  std::uint64_t fragments_read = 0;
  std::uint64_t fresh = 0;  // record changes not folded yet
  std::uint64_t queue = 0;  // looks waiting or under way
  std::uint64_t index_bytes = 0;
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
  virtual std::shared_ptr<const Rules> rules() = 0;  // replaced as a whole by a reload
  virtual std::chrono::milliseconds query_timeout() = 0;     // of one listing
  virtual Status status() = 0;
  virtual Readiness readiness() = 0;
  // Waits until everything dropped before is visible. Errors: sync_timeout, not_ready, index_full.
  virtual Result<SyncAnswer> sync(std::chrono::milliseconds timeout, bool durable) = 0;
  // Absolute path. Errors: no_such_root when it is beneath none.
  virtual Result<FragmentName> locate(const std::string& absolute_path) = 0;
  // Errors: no_such_root.
  virtual Result<Explanation> explain(const FragmentName& name) = 0;
  // Takes what an offline root shows now as the truth.
  virtual Result<void> accept(const std::string& root) = 0;
  virtual FeedGate& feeds() = 0;
};

}  // namespace jcn
