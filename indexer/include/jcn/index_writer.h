// IndexWriter: the write side. Publishes batches into the fresh layer, folds the layer into LMDB as
// one new segment in one transaction, merges segments, and keeps numbers and touched.log.
//
// Thread-safety: publish, finish_recovery, reopen: one thread (ingest). Everything else: any
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jcn/index_readers.h"
#include "jcn/record.h"
#include "jcn/result.h"
#include "jcn/snapshot.h"
#include "jcn/verify.h"

namespace jcn {

// What becomes visible in one step. An absent value means: it is gone.
struct Batch {
  std::map<RecordKey, std::optional<Record>> records;  // seq is filled in by publish; rev too
  std::map<FragmentName, std::optional<FileRow>> files;
  std::map<FragmentName, std::optional<std::string>> bodies;  // canonical text
  std::map<std::string, std::optional<std::string>> notes;  // small persistent facts of the daemon
  bool empty() const { return records.empty() && files.empty() && bodies.empty() && notes.empty(); }
};

// How a generation is written anew, beside the old one.
struct RewriteWish {
  // Segments are merged as they are: the quickest way to the smallest index, for one that is whole.
  // Otherwise what is searchable is made again from the documents.
  bool merge = false;
  // The canonical text of a file whose bytes are those that its row was made of. Absent: they are
  // others by now, or cannot be read. Not set: no file is read.
  std::function<std::optional<std::string>(const FragmentName&, const FileRow&)> read_again;
  // Told now and then how many records are done; false ends it.
  std::function<bool(std::uint64_t done, std::uint64_t of)> go_on;
};

// A note of the index (Batch::notes) that is there while records are missing that it once had:
// every file has to be looked at first. The caller takes it away then.
inline constexpr const char* incomplete_note = "incomplete";

// A file in the index's folder: there since a signal like SIGSEGV ended the process that had the
// index open. The next opening looks through all of it before it is used.
std::string crash_mark(const std::string& index_folder);

// What an opening made of what it found.
enum class Rebuilt : std::uint8_t {
  no,        // taken up as it was, or made for the first time
  upgraded,  // of an older format, and written anew
  repaired,  // damaged: what could be relied on came along
  anew,      // nothing could be relied on
};

struct WriterOptions {
  std::uint64_t map_bytes = 1ULL << 40;
  std::uint32_t max_readers = 1024;
  std::uint64_t fresh_limit_bytes = 256ULL << 20;  // publish waits for a fold beyond it
  std::uint64_t tombstones_kept = 1'000'000;       // the newest; a fold erases the others
  bool fresh_index = false;                        // begin a new generation, as a rebuild does
  std::uint64_t first_seq = 0;                     // of a history that is begun, at least
  // Look through all of an index before it is used when something speaks against it: a crash, a
  // machine that was restarted, a data.mdb that is not as it was left.
  bool verify_changed = true;
  // How; not set: examine_index in a process that is forked, which the caller's must allow.
  std::function<Result<IndexHealth>(const std::string& index_folder)> examine = {};
  // Of a RewriteWish, for what is repaired or upgraded when it is opened.
  std::function<std::optional<std::string>(const FragmentName&, const FileRow&)> read_again = {};
  std::function<bool(std::uint64_t done, std::uint64_t of)> go_on = {};
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

struct RewriteReport {
  std::uint64_t records = 0;
  std::uint64_t healed = 0;                         // records that were read from their files
  std::uint64_t bytes_before = 0, bytes_after = 0;  // of data.mdb, as used
};

class IndexWriter {
 public:
  // Makes the folder and the first generation where there are none; takes the index's lock
  // (index_in_use when another process has it); writes a generation of an older format, or a
  // damaged one, anew, and sets the latter aside (`rebuilt` says so). A copied or restored index
  // gets a new uuid (doc/format.md: history says what can be told).
  static Result<std::unique_ptr<IndexWriter>> open(const std::string& folder,
                                                   const WriterOptions& options);
  // Marks a clean end when everything is folded and recovery is finished. Snapshots may outlive it.
  ~IndexWriter();

  Rebuilt rebuilt() const;
  const std::string& rebuilt_because() const;  // empty: the index was taken as it was
  const std::string& folder() const;

  // Gives each record its number, appends to touched.log, makes the batch visible. Returns the
  // head. Blocks while the fresh layer is above its limit; where make_search_ahead falls behind,
  // does some of its work.
  Result<std::uint64_t> publish(Batch batch);
  Result<Snapshot> snapshot() const;
  std::uint64_t seq() const;
  FreshStats fresh() const;

  // What is fresh is made searchable by the first query that needs it, which waits for that.
  // make_search_ahead does a part of it ahead of queries, where there are many new records: some
  // thousands of them; false: there is nothing to do that is not being done. make_all_search does
  // all. Neither changes what is visible.
  Result<bool> make_search_ahead();
  bool search_waits() const;  // there is something for make_search_ahead to do
  Result<void> make_all_search();

  // Writes what is fresh into LMDB. On an error everything stays visible and the next call tries
  // again.
  Result<FoldReport> fold();
  // One round of tiered merging, if any is due; true when something was merged. `go_on` is asked
  // now and then: false breaks the round off, which leaves everything as it was; what was written
  // of it goes when the index is next opened.
  Result<bool> merge(const std::function<bool()>& go_on = {});

  // Records named in touched.log beyond the last fold, found at open. The caller announces each
  // again (puts it into a batch, changed or not, absent ones as absent) and then calls
  // finish_recovery; until then the log is not cut.
  const std::vector<RecordKey>& recovered() const;
  void finish_recovery();

  // Why nothing is written any more, if that is so: what a commit has left on the disk is not
  // known. Everything stays visible; a rewrite mends it.
  std::optional<Error> writing_stopped() const;
  // Whether somebody else has written to data.mdb, or touched it, since this was asked last. Who
  // asks looks into it, or calls mark_damaged.
  bool touched_by_others();
  // The next opening examines this generation. For whoever reads index_damaged. system: it could
  // not be noted.
  Result<void> mark_damaged();
  // Writes all that the index holds into a new generation beside the one in use, and goes on with
  // it. Readers and publishing are not disturbed; uuid and numbers stay. `health` says what can be
  // relied on; the old generation is set aside when that is not all of it. Errors: index_damaged
  // (not all of it could be saved: see reopen), overloaded (too much changed meanwhile), not_ready
  // (the wish's go_on said so), index_full, system; then nothing has changed.
  Result<RewriteReport> rewrite(const IndexHealth& health, const RewriteWish& wish);
  // Ends and begins again, for an index of which not everything can be saved: it is repaired from
  // `health`, or begun anew; what was not folded goes, and its files have to be read again
  // (`recovered` has their records). Numbers grow in any case. Snapshots taken before stay as they
  // are. On an error nothing is written until another call succeeds.
  Result<Rebuilt> reopen(const IndexHealth& health);

  std::uint64_t index_bytes() const;  // of data.mdb, as used
  Result<IndexReaders> readers() const;
  // Whether data.mdb has grown so far beyond what it holds that it is worth a rewrite: pages that
  // were freed, and records that are dead, make up a third of it. False, too, while that cannot be
  // told without waiting, and where the disk has not twice the room that the index takes.
  bool worn() const;

 private:
  struct Inside;
  explicit IndexWriter(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace jcn
