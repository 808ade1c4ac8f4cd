// Another generation in the place of the one in use.
#include <utility>

#include "encoding.h"
#include "generation.h"
#include "generation_writing.h"
#include "index_writer_inside.h"
#include "jcn/folder.h"
#include "rewrite.h"

namespace jcn {
namespace {

// Of catching up while folds go on; the next one holds them up.
constexpr int rounds_beside = 3;

}  // namespace

// --- Beginning again

void IndexWriter::Inside::adopt(OpenedIndex opened) {
  generation = std::move(opened.generation);
  history = std::move(opened.history);
  last_commit = std::move(opened.last_commit);
  state = opened.state;
  stopped.reset();
  reserved_seq = opened.state.reserved_seq;
  segments = std::move(opened.segments);
  left_over.reset();
  behind.reset();
  log = std::move(opened.log);
  recovered.clear();
  for (const TouchedRow& row : log->leftover()) recovered.push_back(row.key);
  recovering = !recovered.empty();
  auto first = std::make_shared<Published>();
  first->cache = std::move(opened.cache);
  first->uuid = opened.uuid;
  first->txn = opened.txn;
  first->seq = opened.seq;
  first->counts = std::make_shared<const IndexCounts>(std::move(opened.counts));
  published.store(std::move(first));
}

Result<Rebuilt> IndexWriter::reopen(const IndexHealth& health) {
  Inside& in = *inside_;
  const std::scoped_lock everything(in.rewrite_mutex, in.fold_mutex, in.write_mutex,
                                    in.fresh_mutex);
  WriterOptions options = in.options;
  options.fresh_index = false;
  options.first_seq = seq();
  in.stopped = Error{Code::index_damaged, "the index is being repaired", ""};
  JCN_TRY(OpenedIndex opened, reopen_index(in.folder, options, health));
  const Rebuilt rebuilt = opened.rebuilt;
  in.adopt(std::move(opened));
  in.fold_tried.notify_all();
  return rebuilt;
}

Result<void> IndexWriter::mark_damaged() {
  const std::lock_guard writing(inside_->write_mutex);
  return write_mark(inside_->generation);
}

// --- Beside

// Under fold_mutex. More than may be kept ends the writing of the other generation.
void IndexWriter::Inside::remember_folded(const FoldedBehind& folded) {
  if (!behind) return;
  std::uint64_t bytes = folded.bytes;
  for (const FoldedBehind& other : *behind) bytes += other.bytes;
  if (bytes > options.fresh_limit_bytes) {
    behind.reset();
  } else {
    behind->push_back(folded);
  }
}

// A generation that is written beside the one in use. Unless it is switched to, its folder goes
// with this.
class IndexWriter::Inside::Renewal {
 public:
  Renewal(Inside& in, const IndexHealth& health) : in_(in), health_(health) {}
  Renewal(const Renewal&) = delete;
  Renewal& operator=(const Renewal&) = delete;
  ~Renewal() {
    {
      const std::lock_guard folding(in_.fold_mutex);
      in_.behind.reset();
    }
    // Or the next opening does.
    if (!switched_ && !unsure_ && !made_.path.empty()) try_to_remove_whole(made_.path);
  }

  Result<RewriteReport> run(const RewriteWish& wish) {
    JCN_CHECK(begin());
    JCN_TRY(made_, make_tables(in_.folder, in_.options, 2 * old_cache_->env().used_bytes()));
    JCN_TRY(written_, rewrite_generation({*reading_, *old_cache_, health_}, *made_.env, wish));
    JCN_CHECK(compare());
    reading_.reset();
    JCN_CHECK(write_identity(made_, meta_.identity, meta_.token, old_name_));
    cache_ = std::make_shared<SegmentCache>(made_.env);
    for (int round = 0; !switched_; ++round) JCN_CHECK(catch_up(round == rounds_beside));
    // The folder of the old generation, and what earlier ones left.
    if (!health_.whole()) static_cast<void>(set_aside(in_.folder, old_name_));
    static_cast<void>(remove_leftovers(in_.folder, made_.name));
    return report_;
  }

 private:
  Result<void> begin() {
    const std::lock_guard folding(in_.fold_mutex);
    const std::lock_guard writing(in_.write_mutex);
    old_cache_ = in_.published.load()->cache;
    old_name_ = in_.history.generation;
    JCN_TRY(ReadTxn txn, old_cache_->env().begin_read());
    if (txn.id() != in_.published.load()->txn) {
      return damaged("it is not known what the last commit has left");
    }
    JCN_TRY(meta_, read_meta(txn));
    if (!meta_.token) return damaged("the meta table lacks rows");
    reading_.emplace(std::move(txn));
    in_.behind.emplace();
    return {};
  }

  // What is in memory counts on from what the old generation held.
  Result<void> compare() {
    const IndexCounts& counts = written_.counts;
    if (!written_.lost.empty() || written_.files_made_up || written_.new_history ||
        meta_.counts.records != counts.records || meta_.counts.fragments != counts.fragments ||
        meta_.counts.rejects != counts.rejects) {
      return damaged("not all of it could be saved");
    }
    for (const auto& [kind, records] : counts.records) report_.records += records;
    report_.healed = written_.healed;
    return {};
  }

  // Folds what was folded meanwhile. When that is nothing, or for the last time: switches.
  Result<void> catch_up(bool last) {
    std::unique_lock folding(in_.fold_mutex);
    if (!in_.behind) {
      return Error{Code::overloaded, "too much changed while the index was being rewritten",
                   "try again when less is written"};
    }
    const std::vector<FoldedBehind> folded = std::exchange(*in_.behind, {});
    last = last || folded.empty();
    if (!last) folding.unlock();
    for (const FoldedBehind& one : folded) JCN_CHECK(fold(one));
    return last ? switch_over() : Result<void>();
  }

  Result<void> fold(const FoldedBehind& folded) {
    JCN_TRY(WriteTxn txn, made_.env->begin_write());
    JCN_TRY(const FoldOutcome outcome,
            write_fold(txn, *folded.delta, *folded.counts, in_.options.tombstones_kept,
                       written_.state, *cache_));
    JCN_CHECK(txn.commit());
    count_fold(outcome, written_.segments);
    return {};
  }

  // Under fold_mutex. Readers go over when they take their next snapshot; the deltas in memory go
  // with either generation.
  Result<void> switch_over() {
    const std::lock_guard writing(in_.write_mutex);
    const std::lock_guard publishing(in_.fresh_mutex);
    StateRow state = written_.state;
    state.folded_seq = in_.state.folded_seq;
    state.reserved_seq = in_.state.reserved_seq;
    state.clean = false;
    JCN_TRY(WriteTxn txn, made_.env->begin_write());
    JCN_TRY([[maybe_unused]] const bool old, txn.put(Table::meta, meta_state, encode_state(state)));
    const std::uint64_t made_txn = txn.id();
    JCN_CHECK(txn.commit());
    JCN_CHECK(TouchedLog::carry(in_.generation, made_.path, {}));
    JCN_CHECK(sync_folder(made_.path));
    JCN_CHECK(in_.log->move_to(made_.path));
    if (const Result<void> named = write_current(in_.folder, made_.name); !named) {
      // Whether CURRENT was replaced is not known: both stay, and nothing is written to either.
      in_.stopped = named.error();
      unsure_ = true;
      return named;
    }
    switched_ = true;
    in_.generation = made_.path;
    in_.history.generation = made_.name;
    in_.history.txn = made_txn;
    // Without it the new generation's `origin` tells whose it is.
    static_cast<void>(write_history(in_.folder, in_.history));
    in_.last_commit.reset();
    if (auto last_commit = LastCommit::open(made_.path)) {
      in_.last_commit = std::move(*last_commit);
      in_.last_commit->write(made_txn);
    }
    in_.state = state;
    in_.stopped.reset();
    in_.segments = std::move(written_.segments);
    in_.left_over.reset();
    in_.published.update([&](Published& now) {
      now.cache = cache_;
      now.txn = made_txn;
      now.next = Published::Next::none;
    });
    report_.bytes_before = old_cache_->env().used_bytes();
    report_.bytes_after = cache_->env().used_bytes();
    return {};
  }

  Inside& in_;
  const IndexHealth& health_;
  std::shared_ptr<SegmentCache> old_cache_, cache_;
  std::optional<ReadTxn> reading_;
  std::string old_name_;
  MetaRows meta_;
  NewGeneration made_;
  RewriteResult written_;
  RewriteReport report_;
  bool switched_ = false, unsure_ = false;
};

Result<RewriteReport> IndexWriter::rewrite(const IndexHealth& health, const RewriteWish& wish) {
  const std::lock_guard one(inside_->rewrite_mutex);
  return Inside::Renewal(*inside_, health).run(wish);
}

}  // namespace jcn
