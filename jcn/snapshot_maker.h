// The SQLite snapshot that GET /v1/export.sqlite serves. jcn-export makes it, as a child process:
// the daemon itself knows no SQLite. No thread of its own: whoever asks looks how far the child is.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "jcn/file_descriptor.h"
#include "jcn/result.h"

namespace jcn {

// Open, and whole: a newer one takes its name, not its bytes.
struct SnapshotFile {
  FileDescriptor file;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  std::string tag;  // entity tag, quoted: another one for each file that was made
};

struct SnapshotMakerOptions {
  std::string program;     // empty: jcn-export beside this program, else from PATH
  std::string index;       // absolute folder; the file lies in its folder `export`
  std::string token_file;  // of a server that wants a token of everybody; empty: none
  std::chrono::milliseconds max_age{};
};

// Thread-safe.
class SnapshotMaker {
 public:
  explicit SnapshotMaker(SnapshotMakerOptions options) : options_(std::move(options)) {}
  SnapshotMaker(const SnapshotMaker&) = delete;
  SnapshotMaker& operator=(const SnapshotMaker&) = delete;
  ~SnapshotMaker() { stop(); }

  // The last one that was made. When it is older than max_age, the next one is begun, unless making
  // one failed within the last minute.
  // Errors: not_ready (the first is being made), internal (making it failed; the next call tries
  // again), system.
  Result<SnapshotFile> latest();
  // Ends the child, within seconds; nothing is made any more.
  void stop();

 private:
  std::string path() const { return options_.index + "/export/snapshot.sqlite"; }
  using Clock = std::chrono::steady_clock;
  Result<void> begin();                  // under lock_
  std::optional<Error> look_at_child();  // under lock_
  void fails(const Error& error);        // under lock_

  const SnapshotMakerOptions options_;
  std::mutex lock_;
  std::optional<pid_t> child_;                  // guarded by lock_
  bool stopped_ = false;                        // guarded by lock_
  std::optional<Clock::time_point> failed_at_;  // guarded by lock_; of the last, if it failed
};

}  // namespace jcn
