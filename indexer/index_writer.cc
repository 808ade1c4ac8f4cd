#include "jcn/index_writer.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <utility>

#include "encoding.h"
#include "fresh_batch.h"
#include "fresh_merge.h"
#include "fresh_search.h"
#include "generation.h"
#include "index_writer_inside.h"
#include "living.h"
#include "retention.h"
#include "snapshot_state.h"

namespace jcn {

IndexWriter::Inside::Inside(std::string folder_name, const WriterOptions& writer_options,
                            OpenedIndex opened)
    : folder(std::move(folder_name)),
      options(writer_options),
      index_lock(std::move(opened.lock)),
      rebuilt(opened.rebuilt),
      rebuilt_because(std::move(opened.rebuilt_because)) {
  adopt(std::move(opened));
}

namespace {

// Beyond so many, the publisher makes them searchable itself.
constexpr std::size_t most_pieces_waiting = 2;
// A fold of so many writes a good part of the tables' pages anew.
constexpr std::uint64_t many_changes = 64;

}  // namespace

void reserve_ahead(StateRow& state, std::uint64_t seq) {
  if (state.reserved_seq < seq + reserved_block / 2) state.reserved_seq = seq + reserved_block;
}

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

Rebuilt IndexWriter::rebuilt() const {
  return inside_->rebuilt;
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
  return inside_->published.load()->cache->env().used_bytes();
}
Result<IndexReaders> IndexWriter::readers() const {
  return inside_->published.load()->cache->env().readers();
}
const std::vector<RecordKey>& IndexWriter::recovered() const {
  return inside_->recovered;
}

std::optional<Error> IndexWriter::writing_stopped() const {
  const std::lock_guard writing(inside_->write_mutex);
  return inside_->stopped;
}

bool IndexWriter::touched_by_others() {
  Inside& in = *inside_;
  const std::lock_guard writing(in.write_mutex);
  if (in.last_commit && !in.last_commit->untouched()) {
    in.touched = true;
    in.last_commit->write(in.published.load()->txn);  // told once
  }
  return in.touched.exchange(false);
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
  JCN_TRY(auto state, SnapshotState::acquire(inside_->published));
  return Snapshot(std::move(state));
}

// --- Publishing

Result<std::uint64_t> IndexWriter::publish(Batch batch) {
  Inside& in = *inside_;
  JCN_CHECK(in.wait_for_room());
  const std::uint64_t seq = this->seq();  // only this thread changes it
  const std::uint64_t last = seq + batch.records.size();
  if (last > in.reserved_seq) JCN_CHECK(in.reserve(last));
  JCN_TRY(const auto before, SnapshotState::acquire(in.published));
  JCN_TRY(PreparedBatch prepared, prepare_batch(std::move(batch), seq, *before));
  auto counts = std::make_shared<const IndexCounts>(std::move(prepared.counts));

  std::unique_lock lock(in.fresh_mutex);
  // A log that cannot be written (disk full) does not stop the drops: the files are the truth, and
  // after a kill the numbers that it lacks are a lost stretch.
  static_cast<void>(in.log->append(prepared.rows));
  in.published.update([&](Published& next) {
    push_delta(next.fresh, std::move(prepared.delta));
    next.seq = last;
    next.counts = std::move(counts);
    next.fresh_stats.bytes += prepared.bytes;
    next.fresh_stats.records += prepared.records;
    ++next.fresh_stats.batches;
  });
  lock.unlock();
  // A query in the middle of a storm would have to do what is not done by now.
  while (in.pieces_to_search().size() > most_pieces_waiting) {
    const Result<bool> made = make_search_ahead();
    if (!made || !*made) break;  // others are at it, or the query will say what is wrong
  }
  return last;
}

// Finished pieces that nothing searchable was made of yet, oldest first.
Deltas IndexWriter::Inside::pieces_to_search() const {
  Deltas waiting;
  const auto look_at = [&](const std::shared_ptr<const Delta>& piece) {
    if (piece->is_finished_piece() && !piece->search->made()) waiting.push_back(piece);
  };
  const auto now = published.load();
  for (const Deltas* deltas : {&now->frozen, &now->fresh}) {
    for (const std::shared_ptr<const Delta>& delta : *deltas) {
      look_at(delta);
      if (delta->pieces.empty() || delta->search->made()) continue;
      for (const std::shared_ptr<const Delta>& piece : delta->pieces) look_at(piece);
    }
  }
  return waiting;
}

bool IndexWriter::search_waits() const {
  return !inside_->pieces_to_search().empty();
}

Result<bool> IndexWriter::make_search_ahead() {
  for (const std::shared_ptr<const Delta>& piece : inside_->pieces_to_search()) {
    JCN_TRY(const bool made, piece->search->make_unless_begun(piece->records));
    if (made) return true;
  }
  return false;
}

Result<void> IndexWriter::make_all_search() {
  JCN_TRY(const auto now, SnapshotState::acquire(inside_->published));
  for (const Delta* delta : searched_deltas(now->deltas())) {
    JCN_TRY([[maybe_unused]] const auto search, delta->search->search(delta->records));
  }
  return {};
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
  return with_room([&]() -> Result<void> {
    if (upto <= reserved_seq) return {};  // a fold has done it meanwhile
    StateRow next = state;
    next.reserved_seq = upto + reserved_block;
    JCN_TRY(WriteTxn txn, begin_write());
    return commit(txn, next, Published::Next::same);
  });
}

void IndexWriter::finish_recovery() {
  Inside& in = *inside_;
  const std::lock_guard lock(in.fresh_mutex);
  // Should the file stay behind, the next start announces its records once more: harmless.
  static_cast<void>(in.log->drop_leftover());
  in.recovered.clear();
  in.recovering = false;
}

// Does it again after the map was made larger, when that was in the way.
Result<void> IndexWriter::Inside::with_room(const std::function<Result<void>()>& write) {
  for (;;) {
    Result<void> written = write();
    if (written || written.error().code != Code::index_full) return written;
    if (!cache().env().grow_if_full()) return written;
  }
}

// --- Writing. All of it under write_mutex.

Result<WriteTxn> IndexWriter::Inside::begin_write() {
  if (stopped) return *stopped;
  return cache().env().begin_write();
}

// Readers that begin between the commit and the last line find a state that fits either way.
Result<void> IndexWriter::Inside::commit(WriteTxn& txn, const StateRow& next,
                                         Published::Next goes_with) {
  JCN_TRY([[maybe_unused]] const bool old, txn.put(Table::meta, meta_state, encode_state(next)));
  const std::uint64_t made = txn.id();
  if (last_commit && !last_commit->untouched()) touched = true;
  published.update([&](Published& now) { now.next = goes_with; });
  const Result<void> committed = txn.commit();
  if (!committed) {
    published.update_surely([](Published& now) { now.next = Published::Next::none; });
    // After a failed fdatasync(2) the kernel may have dropped the pages: trying again would succeed
    // without having written them. A full disk is told before anything is synced.
    const bool full = committed.error().code == Code::index_full;
    if (!full || cache().env().given_up()) stopped = committed.error();
    return committed;
  }
  published.update_surely([&](Published& now) {
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
  if (last_commit) last_commit->write(made);
  return {};
}

// --- Folding

Result<FoldReport> IndexWriter::fold() {
  Inside& in = *inside_;
  const std::lock_guard folding(in.fold_mutex);
  in.clear_stale_readers();
  FoldReport report;
  Result<void> done;
  const auto fold_frozen = [&] { return in.with_room([&] { return in.fold_frozen(report); }); };
  // What an earlier, failed fold has frozen goes first, by itself.
  if (!in.published.load()->frozen.empty()) done = fold_frozen();
  if (done && in.freeze(done)) done = fold_frozen();
  {
    const std::lock_guard lock(in.fresh_mutex);
    if (!done) {
      ++in.failed_folds;
      in.last_failure = done.error();
    }
  }
  in.fold_tried.notify_all();
  if (!done) {
    if (!in.behind) static_cast<void>(in.erase_left_over());  // the next try has its room
    return done.error();
  }
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
  static_cast<void>(cache().env().clear_stale_readers());  // the next minute tries again
}

// True when there is something frozen now.
bool IndexWriter::Inside::freeze(Result<void>& result) {
  const std::lock_guard lock(fresh_mutex);
  if (published.load()->fresh.empty()) return false;
  result = log->rotate();
  if (!result) return false;
  published.update_surely([](Published& now) {
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
  JCN_CHECK(make_delta_search_of_pieces(*delta));
  FoldOutcome outcome;
  {
    const std::lock_guard writing(write_mutex);
    JCN_TRY(WriteTxn txn, begin_write());
    StateRow next = state;
    JCN_TRY(outcome, write_fold(txn, *delta, *now->frozen_counts, options.tombstones_kept, next,
                                *now->cache));
    next.folded_seq = now->frozen_seq;
    reserve_ahead(next, published.load()->seq);
    JCN_CHECK(commit(txn, next, Published::Next::folded));
  }
  surely([&] { count_fold(outcome, segments); });
  const FoldedBehind folded{delta, now->frozen_counts, now->frozen_seq, now->frozen_stats.bytes};
  surely([&] { remember_folded(folded); });
  freed_many |= outcome.changes + outcome.files >= many_changes;
  report.segments += outcome.segment != 0 ? 1 : 0;
  report.records += outcome.changes;
  report.files += outcome.files;
  const std::lock_guard lock(fresh_mutex);
  // Rows that stay are at or below the folded number, and so are ignored.
  static_cast<void>(log->drop_folding());
  return {};
}

Result<FoldOutcome> write_fold(WriteTxn& txn, const Delta& delta, const IndexCounts& counts,
                               std::uint64_t tombstones_kept, StateRow& state,
                               SegmentCache& cache) {
  JCN_TRY(FoldOutcome outcome, fold_delta(txn, delta, state, cache));
  JCN_CHECK(prune_tombstones(txn, tombstones_kept));
  JCN_TRY([[maybe_unused]] const bool old,
          txn.put(Table::meta, meta_counts, encode_counts(counts)));
  return outcome;
}

void count_fold(const FoldOutcome& outcome, SegmentInfos& segments) {
  if (outcome.segment != 0) segments[outcome.segment] = {outcome.records, outcome.records, true};
  for (const auto& [segment, locals] : outcome.deaths) {
    segments[segment].living -= static_cast<std::uint32_t>(locals.size());
  }
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

// When it returns, no transaction of its own is left: a larger map would wait for that. What a
// merge that fails has committed until then is left over.
Result<MergeOutcome> IndexWriter::Inside::merge_chosen(const std::vector<std::uint32_t>& chosen,
                                                       const std::function<bool()>& go_on) {
  // Numbers are taken under fold_mutex only, so this is the one that the merge will take.
  struct Attempt {
    explicit Attempt(Inside& index) : in(index), number(next_number()) {}
    ~Attempt() {
      if (!whole && next_number() != number) in.left_over = number;
    }
    std::uint32_t next_number() const {
      const std::lock_guard writing(in.write_mutex);
      return in.state.next_segment;
    }
    Inside& in;
    const std::uint32_t number;
    bool whole = false;
  } attempt(*this);
  WriterTransactions transactions(
      write_mutex,
      [this](StateRow& begun) {
        begun = state;
        return begin_write();
      },
      [this](WriteTxn& txn, const StateRow& made) {
        StateRow next = made;
        reserve_ahead(next, published.load()->seq);
        return commit(txn, next, Published::Next::same);
      });
  Result<MergeOutcome> merged = merge_segments(chosen, cache(), transactions, go_on);
  attempt.whole = merged.ok();
  return merged;
}

Result<void> IndexWriter::Inside::erase_left_over() {
  if (!left_over) return {};
  const std::lock_guard writing(write_mutex);
  JCN_TRY(WriteTxn txn, begin_write());
  JCN_CHECK(erase_segment(txn, *left_over));
  StateRow next = state;
  reserve_ahead(next, published.load()->seq);
  JCN_CHECK(commit(txn, next, Published::Next::same));
  left_over.reset();
  freed_many = true;
  return {};
}

// LMDB can use the pages that a commit has freed from the next commit but one on. With one more in
// between, a fold has those of the fold before it, and does not make the file longer.
Result<void> IndexWriter::Inside::commit_once_more() {
  const std::lock_guard writing(write_mutex);
  JCN_TRY(WriteTxn txn, begin_write());
  StateRow next = state;
  reserve_ahead(next, published.load()->seq);
  return commit(txn, next, Published::Next::same);
}

Result<bool> IndexWriter::merge(const std::function<bool()>& go_on) {
  Inside& in = *inside_;
  const std::lock_guard folding(in.fold_mutex);
  if (in.behind) return false;  // a whole generation is being written
  JCN_CHECK(in.with_room([&] { return in.erase_left_over(); }));
  const std::vector<std::uint32_t> chosen = choose_merge(in.segments);
  if (chosen.empty()) {
    if (std::exchange(in.freed_many, false)) {
      JCN_CHECK(in.with_room([&] { return in.commit_once_more(); }));
    }
    return false;
  }
  SegmentCache& cache = in.cache();
  Result<MergeOutcome> merged = in.merge_chosen(chosen, go_on);
  while (!merged) {
    if (merged.error().code == Code::not_ready) return false;  // broken off
    const bool larger = merged.error().code == Code::index_full && cache.env().grow_if_full();
    // Folds want that room. Where it can't be erased now, the next one tries again.
    if (!in.erase_left_over() || !larger) return std::move(merged).error();
    merged = in.merge_chosen(chosen, go_on);
  }
  const MergeOutcome outcome = *merged;
  for (const std::uint32_t segment : chosen) {
    in.segments.erase(segment);
    cache.forget_segment(segment);
  }
  if (outcome.segment != 0) in.segments[outcome.segment] = {outcome.records, outcome.records, true};
  in.freed_many = true;
  return true;
}

// --- The end

void IndexWriter::Inside::end_cleanly() {
  const std::lock_guard folding(fold_mutex);
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
  // Nobody has looked into it, and the facts left below hide it.
  if (touched) static_cast<void>(write_mark(generation));
  History left = history;
  left.clean = true;
  left.txn = published.load()->txn;
  // Without it the next start cannot tell a data.mdb that was changed meanwhile, no more.
  static_cast<void>(write_history(folder, std::move(left)));
}

}  // namespace jcn
