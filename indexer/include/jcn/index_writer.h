// IndexWriter: the write side. Publishes batches into the fresh layer, folds the layer into LMDB as
// one new segment in one transaction, merges segments, and keeps numbers and touched.log.
//
// Thread-safety: publish, finish_recovery: one thread (ingest). fold, merge: one thread (fold).
// Everything else: any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jcn/record.h"
#include "jcn/result.h"
#include "jcn/snapshot.h"

namespace jcn {

// What becomes visible in one step. An absent value means: it is gone.
struct Batch {
  std::map<RecordKey, std::optional<Record>> records;  // seq is filled in by publish; rev too
  std::map<FragmentName, std::optional<FileRow>> files;
  std::map<FragmentName, std::optional<std::string>> bodies;  // canonical text
  std::map<std::string, std::optional<std::string>> notes;  // small persistent facts of the daemon
  bool empty() const { return records.empty() && files.empty() && bodies.empty() && notes.empty(); }
};

struct WriterOptions {
  std::uint64_t map_bytes = 1ULL << 40;
  std::uint32_t max_readers = 1024;
  std::uint64_t fresh_limit_bytes = 256ULL << 20;  // publish waits for a fold beyond it
  std::uint64_t tombstones_kept = 1'000'000;       // the newest; a fold erases the others
  bool fresh_index = false;                        // begin a new generation, as a rebuild does
  // Read all of a data.mdb that was changed after an orderly end, in a child process, before it is
  // used; a damaged one is set aside.
  bool verify_changed = true;
};

struct FreshStats {
  std::uint64_t bytes = 0;    // approximate heap use of what is not folded
  std::uint64_t records = 0;  // record changes not folded
  std::uint64_t batches = 0;
  bool empty() const { return batches == 0; }
};

struct FoldReport {
  std::uint64_t records = 0, files = 0, segments = 0;
  std::uint64_t seq = 0;  // everything up to here is in LMDB now
};

class IndexWriter {
 public:
  // Makes the folder and the first generation where there are none; takes the index's lock
  // (index_in_use when another process has it); sets aside a generation that is unreadable or of
  // another format version, and begins a new one (`rebuilt_because` says so). A copied or
  // restored index gets a new uuid (doc/format.md: history says what can be told). May fork(2): no
  // other thread of the process may be opening an index meanwhile.
  static Result<std::unique_ptr<IndexWriter>> open(const std::string& folder,
                                                   const WriterOptions& options);
  // Marks a clean end when everything is folded and recovery is finished. Snapshots may outlive it.
  ~IndexWriter();

  const std::string& rebuilt_because() const;  // empty: the index was taken as it was
  const std::string& folder() const;

  // Gives each record its number, appends to touched.log, makes the batch visible. Returns the
  // head.
  Result<std::uint64_t> publish(Batch batch);
  // Blocks while the fresh layer is above its limit.
  Result<Snapshot> snapshot() const;
  std::uint64_t seq() const;
  FreshStats fresh() const;

  // Writes what is fresh into LMDB. On an error everything stays visible and the next call tries
  // again.
  Result<FoldReport> fold();
  // One round of tiered merging, if any is due; true when something was merged.
  Result<bool> merge();

  // Records named in touched.log beyond the last fold, found at open. The caller announces each
  // again (puts it into a batch, changed or not, absent ones as absent) and then calls
  // finish_recovery; until then the log is not cut.
  const std::vector<RecordKey>& recovered() const;
  void finish_recovery();

  // The next opening sets this generation aside. For whoever reads index_damaged. system: it could
  // not be noted.
  Result<void> mark_damaged();

  std::uint64_t index_bytes() const;  // of data.mdb, as used

 private:
  struct Inside;
  explicit IndexWriter(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace jcn
