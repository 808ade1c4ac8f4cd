#include "jcn/index_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>

#include "encoding.h"
#include "fold.h"
#include "fresh_batch.h"
#include "fresh_layer.h"
#include "fresh_search.h"
#include "generation.h"
#include "index_opening.h"
#include "merge.h"
#include "retention.h"
#include "snapshot_state.h"

namespace jcn {

struct IndexWriter::Inside {
  Inside(std::string folder_name, const WriterOptions& writer_options, OpenedIndex opened)
      : folder(std::move(folder_name)),
        options(writer_options),
        index_lock(std::move(opened.lock)),
        generation(std::move(opened.generation)),
        history(std::move(opened.history)),
        rebuilt_because(std::move(opened.rebuilt_because)),
        uuid(opened.uuid),
        cache(std::move(opened.cache)),
        log(std::move(*opened.log)),
        state(opened.state),
        reserved_seq(opened.state.reserved_seq),
        segments(std::move(opened.segments)) {
    for (const TouchedRow& row : log.leftover()) recovered.push_back(row.key);
    recovering = !recovered.empty();
    auto first = std::make_shared<Published>();
    first->txn = opened.txn;
    first->seq = opened.seq;
    first->counts = std::make_shared<const IndexCounts>(std::move(opened.counts));
    published.store(std::move(first));
  }

  // --- constant
  const std::string folder;
  const WriterOptions options;
  const FileDescriptor index_lock;
  const std::string generation;  // its folder
  const History history;
  const std::string rebuilt_because;
  const Hash128 uuid;
  const std::shared_ptr<SegmentCache> cache;
  std::vector<RecordKey> recovered;

  // --- has its own lock
  PublishedState published;

  // --- under fresh_mutex. Held while a batch is logged and made visible, and while the layer is
  // frozen, so that the log and the layer are always cut at the same place.
  std::mutex fresh_mutex;
  std::condition_variable fold_tried;
  TouchedLog log;
  bool recovering = false;
  std::uint64_t failed_folds = 0;
  Error last_failure;

  // --- under write_mutex, which is held by whoever has LMDB's write transaction
  std::mutex write_mutex;
  StateRow state;                // as committed
  std::optional<Error> stopped;  // a commit's outcome is unknown: nothing is written any more

  std::atomic<std::uint64_t> reserved_seq;

  // --- fold thread
  SegmentInfos segments;
  std::chrono::steady_clock::time_point readers_checked = std::chrono::steady_clock::now();

  Result<void> commit(WriteTxn& txn, const StateRow& next, Published::Next goes_with);
  Result<WriteTxn> begin_write();
  Result<void> reserve(std::uint64_t upto);
  Result<void> wait_for_room();
  bool freeze(Result<void>& frozen);
  Result<void> fold_frozen(FoldReport& report);
  void clear_stale_readers();
  void end_cleanly();
};

namespace {

// While a block is more than half used, the next one is promised with whatever is committed anyway.
void reserve_ahead(StateRow& state, std::uint64_t seq) {
  if (state.reserved_seq < seq + reserved_block / 2) state.reserved_seq = seq + reserved_block;
}

}  // namespace

IndexWriter::IndexWriter(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}

IndexWriter::~IndexWriter() {
  inside_->end_cleanly();
}

Result<std::unique_ptr<IndexWriter>> IndexWriter::open(const std::string& folder,
                                                       const WriterOptions& options) {
  JCN_TRY(OpenedIndex opened, open_index(folder, options));
  return std::unique_ptr<IndexWriter>(
      new IndexWriter(std::make_unique<Inside>(folder, options, std::move(opened))));
}

const std::string& IndexWriter::rebuilt_because() const {
  return inside_->rebuilt_because;
}
const std::string& IndexWriter::folder() const {
  return inside_->folder;
}
std::uint64_t IndexWriter::seq() const {
  return inside_->published.load()->seq;
}
std::uint64_t IndexWriter::index_bytes() const {
  return inside_->cache->env().used_bytes();
}
Result<void> IndexWriter::mark_damaged() {
  const std::string path = inside_->generation + "/" + damage_mark;
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640));
  if (!file) return system_error("open", path, errno);
  if (::fsync(file.get()) != 0) return system_error("fsync", path, errno);
  return sync_folder(inside_->generation);
}
const std::vector<RecordKey>& IndexWriter::recovered() const {
  return inside_->recovered;
}

FreshStats IndexWriter::fresh() const {
  const auto published = inside_->published.load();
  FreshStats stats = published->fresh_stats;
  stats.bytes += published->frozen_stats.bytes;
  stats.records += published->frozen_stats.records;
  stats.batches += published->frozen_stats.batches;
  return stats;
}

Result<Snapshot> IndexWriter::snapshot() const {
  JCN_TRY(auto state, SnapshotState::acquire(inside_->cache, inside_->published, inside_->uuid));
  return Snapshot(std::move(state));
}

// --- Publishing

Result<std::uint64_t> IndexWriter::publish(Batch batch) {
  Inside& in = *inside_;
  JCN_CHECK(in.wait_for_room());
  const std::uint64_t seq = this->seq();  // only this thread changes it
  const std::uint64_t last = seq + batch.records.size();
  if (last > in.reserved_seq) JCN_CHECK(in.reserve(last));
  JCN_TRY(const auto before, SnapshotState::acquire(in.cache, in.published, in.uuid));
  JCN_TRY(PreparedBatch prepared, prepare_batch(std::move(batch), seq, *before));
  auto counts = std::make_shared<const IndexCounts>(std::move(prepared.counts));

  const std::lock_guard lock(in.fresh_mutex);
  // A log that cannot be written (disk full) does not stop the drops: the files are the truth, and
  // after a kill the numbers that it lacks are a lost stretch.
  static_cast<void>(in.log.append(prepared.rows));
  in.published.update([&](Published& next) {
    push_delta(next.fresh, std::move(prepared.delta));
    next.seq = last;
    next.counts = std::move(counts);
    next.fresh_stats.bytes += prepared.bytes;
    next.fresh_stats.records += prepared.records;
    ++next.fresh_stats.batches;
  });
  return last;
}

Result<void> IndexWriter::Inside::wait_for_room() {
  const auto has_room = [this] {
    const auto now = published.load();
    return now->fresh_stats.bytes + now->frozen_stats.bytes <= options.fresh_limit_bytes;
  };
  if (has_room()) return {};
  std::unique_lock waiting(fresh_mutex);
  const std::uint64_t failed = failed_folds;
  fold_tried.wait(waiting, [&] { return has_room() || failed_folds != failed; });
  if (!has_room()) return last_failure;
  return {};
}

Result<void> IndexWriter::Inside::reserve(std::uint64_t upto) {
  const std::lock_guard writing(write_mutex);
  if (upto <= reserved_seq) return {};  // a fold has done it meanwhile
  StateRow next = state;
  next.reserved_seq = upto + reserved_block;
  JCN_TRY(WriteTxn txn, begin_write());
  return commit(txn, next, Published::Next::same);
}

void IndexWriter::finish_recovery() {
  Inside& in = *inside_;
  const std::lock_guard lock(in.fresh_mutex);
  // Should the file stay behind, the next start announces its records once more: harmless.
  static_cast<void>(in.log.drop_leftover());
  in.recovered.clear();
  in.recovering = false;
}

// --- Writing. All of it under write_mutex.

Result<WriteTxn> IndexWriter::Inside::begin_write() {
  if (stopped) return *stopped;
  return cache->env().begin_write();
}

// Readers that begin between the commit and the last line find a state that fits either way.
Result<void> IndexWriter::Inside::commit(WriteTxn& txn, const StateRow& next,
                                         Published::Next goes_with) {
  JCN_TRY([[maybe_unused]] const bool old, txn.put(Table::meta, meta_state, encode_state(next)));
  const std::uint64_t made = txn.id();
  published.update([&](Published& now) { now.next = goes_with; });
  const Result<void> committed = txn.commit();
  if (!committed) {
    published.update([](Published& now) { now.next = Published::Next::none; });
    // After a failed fdatasync(2) the kernel may have dropped the pages: trying again would succeed
    // without having written them. A full disk is told before anything is synced.
    if (committed.error().code != Code::index_full) stopped = committed.error();
    return committed;
  }
  published.update([&](Published& now) {
    now.txn = made;
    now.next = Published::Next::none;
    if (goes_with == Published::Next::folded) {
      now.frozen.clear();
      now.frozen_stats = {};
      now.frozen_counts.reset();
    }
  });
  state = next;
  reserved_seq = next.reserved_seq;
  return {};
}

// --- Folding

Result<FoldReport> IndexWriter::fold() {
  Inside& in = *inside_;
  in.clear_stale_readers();
  FoldReport report;
  Result<void> done;
  // What an earlier, failed fold has frozen goes first, by itself.
  if (!in.published.load()->frozen.empty()) done = in.fold_frozen(report);
  if (done && in.freeze(done)) done = in.fold_frozen(report);
  {
    const std::lock_guard lock(in.fresh_mutex);
    if (!done) {
      ++in.failed_folds;
      in.last_failure = done.error();
    }
  }
  in.fold_tried.notify_all();
  if (!done) return done.error();
  {
    const std::lock_guard writing(in.write_mutex);
    report.seq = in.state.folded_seq;
  }
  return report;
}

// Readers that were killed keep their slots, and pages from being used again.
void IndexWriter::Inside::clear_stale_readers() {
  const auto now = std::chrono::steady_clock::now();
  if (now - readers_checked < std::chrono::minutes(1)) return;
  readers_checked = now;
  static_cast<void>(cache->env().clear_stale_readers());  // the next minute tries again
}

// True when there is something frozen now.
bool IndexWriter::Inside::freeze(Result<void>& result) {
  const std::lock_guard lock(fresh_mutex);
  if (published.load()->fresh.empty()) return false;
  result = log.rotate();
  if (!result) return false;
  published.update([](Published& now) {
    now.frozen = std::move(now.fresh);
    now.fresh.clear();
    now.frozen_stats = std::exchange(now.fresh_stats, {});
    now.frozen_seq = now.seq;
    now.frozen_counts = now.counts;
  });
  return true;
}

Result<void> IndexWriter::Inside::fold_frozen(FoldReport& report) {
  auto now = published.load();
  const std::shared_ptr<const Delta> delta = merge_all(now->frozen);
  if (now->frozen.size() > 1) {
    published.update([&](Published& next) { next.frozen = {delta}; });
  }
  // The larger part of a fold's work needs no transaction; queries use what it makes meanwhile.
  JCN_TRY([[maybe_unused]] const auto search, delta->search->search(delta->records));
  FoldOutcome outcome;
  {
    const std::lock_guard writing(write_mutex);
    JCN_TRY(WriteTxn txn, begin_write());
    StateRow next = state;
    JCN_TRY(outcome, fold_delta(txn, *delta, next, *cache));
    JCN_CHECK(prune_tombstones(txn, options.tombstones_kept));
    JCN_TRY([[maybe_unused]] const bool old,
            txn.put(Table::meta, meta_counts, encode_counts(*now->frozen_counts)));
    next.folded_seq = now->frozen_seq;
    reserve_ahead(next, published.load()->seq);
    JCN_CHECK(commit(txn, next, Published::Next::folded));
  }
  if (outcome.segment != 0) {
    segments[outcome.segment] = {outcome.records, outcome.records, true};
    ++report.segments;
  }
  for (const auto& [segment, locals] : outcome.deaths) {
    segments[segment].living -= static_cast<std::uint32_t>(locals.size());
  }
  report.records += outcome.changes;
  report.files += outcome.files;
  const std::lock_guard lock(fresh_mutex);
  // Rows that stay are at or below the folded number, and so are ignored.
  static_cast<void>(log.drop_folding());
  return {};
}

// --- Merging

namespace {

class WriterTransactions : public MergeTransactions {
 public:
  using Begin = std::function<Result<WriteTxn>(StateRow&)>;
  using Commit = std::function<Result<void>(WriteTxn&, const StateRow&)>;
  WriterTransactions(std::mutex& write_mutex, Begin begin, Commit commit)
      : lock_(write_mutex, std::defer_lock), begin_(std::move(begin)), commit_(std::move(commit)) {}

  Result<void> begin() override {
    lock_.lock();
    JCN_TRY(WriteTxn txn, begin_(state_));
    txn_.emplace(std::move(txn));
    return {};
  }
  WriteTxn& txn() override { return *txn_; }
  StateRow& state() override { return state_; }
  Result<void> commit() override {
    Result<void> committed = commit_(*txn_, state_);
    txn_.reset();
    lock_.unlock();
    return committed;
  }

 private:
  std::unique_lock<std::mutex> lock_;  // outlives the transaction
  const Begin begin_;
  const Commit commit_;
  StateRow state_;
  std::optional<WriteTxn> txn_;
};

}  // namespace

Result<bool> IndexWriter::merge() {
  Inside& in = *inside_;
  const std::vector<std::uint32_t> chosen = choose_merge(in.segments);
  if (chosen.empty()) return false;
  WriterTransactions transactions(
      in.write_mutex,
      [&](StateRow& state) {
        state = in.state;
        return in.begin_write();
      },
      [&](WriteTxn& txn, const StateRow& state) {
        StateRow next = state;
        reserve_ahead(next, in.published.load()->seq);
        return in.commit(txn, next, Published::Next::same);
      });
  JCN_TRY(const MergeOutcome outcome, merge_segments(chosen, *in.cache, transactions));
  for (const std::uint32_t segment : chosen) {
    in.segments.erase(segment);
    in.cache->forget_segment(segment);
  }
  if (outcome.segment != 0) in.segments[outcome.segment] = {outcome.records, outcome.records, true};
  return true;
}

// --- The end

void IndexWriter::Inside::end_cleanly() {
  const auto now = published.load();
  if (recovering || !now->fresh.empty() || !now->frozen.empty()) return;
  const std::lock_guard writing(write_mutex);
  auto txn = begin_write();
  if (!txn) return;  // the next start finds no mark, and takes the careful way
  StateRow last = state;
  last.clean = true;
  last.folded_seq = now->seq;
  last.reserved_seq = now->seq;
  if (!commit(*txn, last, Published::Next::same)) return;
  History left = history;
  left.clean = true;
  // Without it the next start cannot tell a data.mdb that was changed meanwhile, no more.
  static_cast<void>(write_history(folder, std::move(left)));
}

}  // namespace jcn
