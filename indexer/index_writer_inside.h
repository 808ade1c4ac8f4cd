// What IndexWriter is made of. index_writer.cc publishes, folds and merges; index_renewal.cc puts
// another generation in the place of the one in use.
//
// Locks are taken in this order: fold_mutex, write_mutex, fresh_mutex.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fold.h"
#include "fresh_layer.h"
#include "history.h"
#include "index_opening.h"
#include "jcn/index_writer.h"
#include "merge.h"
#include "touched_log.h"

namespace jcn {

// A delta that was folded while another generation was being written, and what was folded with it.
struct FoldedBehind {
  std::shared_ptr<const Delta> delta;
  std::shared_ptr<const IndexCounts> counts;
  std::uint64_t seq = 0, bytes = 0;
};

struct IndexWriter::Inside {
  Inside(std::string folder_name, const WriterOptions& writer_options, OpenedIndex opened);

  // --- constant
  const std::string folder;
  const WriterOptions options;
  const FileDescriptor index_lock;
  const Rebuilt rebuilt;
  const std::string rebuilt_because;

  // --- has its own lock
  PublishedState published;
  std::atomic<std::uint64_t> reserved_seq{0};
  std::atomic<bool> touched{false};  // IndexWriter::touched_by_others

  // --- under fold_mutex, which is held while the fresh layer is folded, while segments are merged,
  // and while another generation takes over
  std::mutex fold_mutex;
  SegmentInfos segments;
  std::chrono::steady_clock::time_point readers_checked = std::chrono::steady_clock::now();
  bool freed_many = false;  // a fold has freed many pages, and nothing was committed since
  std::optional<std::uint32_t>
      left_over;  // the segment of a merge that came to no end: to be erased
  // There while another generation is being written; what is folded meanwhile it has to get, too.
  std::optional<std::vector<FoldedBehind>> behind;

  // --- under write_mutex, which is held by whoever has LMDB's write transaction
  std::mutex write_mutex;
  std::string generation;  // its folder
  History history;         // as of the opening
  std::optional<LastCommit> last_commit;
  StateRow state;                // as committed
  std::optional<Error> stopped;  // a commit's outcome is unknown: nothing is written any more

  // --- under fresh_mutex. Held while a batch is logged and made visible, and while the layer is
  // frozen, so that the log and the layer are always cut at the same place.
  std::mutex fresh_mutex;
  std::condition_variable fold_tried;
  std::optional<TouchedLog> log;
  bool recovering = false;
  std::uint64_t failed_folds = 0;
  Error last_failure;

  // --- ingest thread
  std::vector<RecordKey> recovered;

  // --- under rewrite_mutex: one rewrite at a time
  std::mutex rewrite_mutex;

  SegmentCache& cache() const { return *published.load()->cache; }
  Result<void> commit(WriteTxn& txn, const StateRow& next, Published::Next goes_with);
  Result<WriteTxn> begin_write();
  Result<void> with_room(const std::function<Result<void>()>& write);
  Result<void> reserve(std::uint64_t upto);
  Result<void> wait_for_room();
  Deltas pieces_to_search() const;
  bool freeze(Result<void>& frozen);
  Result<void> fold_frozen(FoldReport& report);
  Result<void> commit_once_more();
  Result<MergeOutcome> merge_chosen(const std::vector<std::uint32_t>& chosen,
                                    const std::function<bool()>& go_on);
  Result<void> erase_left_over();
  void clear_stale_readers();
  void end_cleanly();

  // index_renewal.cc
  class Renewal;
  void adopt(OpenedIndex opened);
  void remember_folded(const FoldedBehind& folded);
};

// While a block is more than half used, the next one is promised with whatever is committed anyway.
void reserve_ahead(StateRow& state, std::uint64_t seq);

// What a fold writes into its transaction, but for the state row.
Result<FoldOutcome> write_fold(WriteTxn& txn, const Delta& delta, const IndexCounts& counts,
                               std::uint64_t tombstones_kept, StateRow& state, SegmentCache& cache);
void count_fold(const FoldOutcome& outcome, SegmentInfos& segments);

}  // namespace jcn
