#include "index_opening.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "encoding.h"
#include "evidence.h"
#include "generation.h"
#include "generation_writing.h"
#include "jcn/verify_child.h"
#include "living.h"
#include "retention.h"

namespace jcn {
namespace {

Result<void> put_meta(WriteTxn& txn, std::string_view key, std::string_view value) {
  JCN_TRY([[maybe_unused]] const bool old, txn.put(Table::meta, key, value));
  return {};
}

// Takes up a generation as it is.
Result<void> take_up(const std::string& folder, const std::string& generation,
                     const std::optional<History>& left, const WriterOptions& options,
                     OpenedIndex& index) {
  const std::string path = folder + "/" + generation;
  JCN_TRY(auto env, LmdbEnv::open(path, env_options(options, false)));
  JCN_CHECK(check_format(*env));
  std::uint64_t txn_there = 0;
  auto cache = std::make_shared<SegmentCache>(env);
  SegmentSurvey survey;
  MetaRows meta;
  {
    JCN_TRY(const ReadTxn reading, env->begin_read());
    txn_there = reading.id();
    JCN_TRY(meta, read_meta(reading));
    JCN_TRY(survey, survey_segments(reading, *cache));
  }
  JCN_TRY(TouchedLog log, TouchedLog::open(path, meta.state.folded_seq));

  StateRow state = meta.state;
  const bool clean = state.clean && log.leftover().empty() && !log.first_missing();
  index.seq = state.folded_seq;
  JCN_TRY(WriteTxn txn, env->begin_write());
  if (!clean) {
    // What the log still names is announced again; of the numbers behind its end nothing is known.
    std::uint64_t known = state.folded_seq;
    for (const TouchedRow& row : log.leftover()) known = std::max(known, row.seq);
    if (log.first_missing()) known = std::min(known, *log.first_missing() - 1);
    if (known < state.reserved_seq) {
      JCN_CHECK(remember_lost(txn, known, state.reserved_seq));
    }
    // A number that was never given: whoever was told it as the head was told it by this opening or
    // a later one, and what LMDB has is all up to it. Were it not stored, an end before the first
    // fold would count it among the lost.
    index.seq = state.reserved_seq + 1;
    state.folded_seq = index.seq;
  }
  for (const std::uint32_t unfinished : survey.unfinished) {
    JCN_CHECK(erase_segment(txn, unfinished));
  }
  JCN_TRY(const bool goes_on, carries_on(folder, generation, left, meta, txn_there));
  if (!goes_on) {
    JCN_TRY(const DataFacts data, data_facts(path + "/data.mdb"));
    JCN_TRY(meta.identity.uuid, random_uuid());
    meta.identity.machine = machine_id();
    meta.identity.inode = data.inode;
    JCN_CHECK(put_meta(txn, meta_identity, encode_identity(meta.identity)));
  }
  TokenRow token;
  JCN_TRY(token.token, random_bytes());
  if (left) token.before = left->token;
  JCN_CHECK(put_meta(txn, meta_token, encode_token(token)));
  state.clean = false;
  state.reserved_seq = index.seq + reserved_block;
  JCN_CHECK(put_meta(txn, meta_state, encode_state(state)));
  index.txn = txn.id();
  JCN_CHECK(txn.commit());
  index.history.generation = generation;
  index.history.token = token.token;
  index.history.txn = index.txn;
  JCN_CHECK(write_history(folder, index.history));
  // Without it the next start looks through all of data.mdb.
  if (auto last = LastCommit::open(path)) {
    index.last_commit = std::move(*last);
    index.last_commit->write(index.txn);
  }

  index.generation = path;
  index.cache = std::move(cache);
  index.uuid = meta.identity.uuid;
  index.state = state;
  index.counts = std::move(meta.counts);
  index.segments = std::move(survey.segments);
  index.log = std::move(log);
  return {};
}

bool is_about_the_index(Code code) {
  return code == Code::index_damaged || code == Code::index_format ||
         code == Code::index_unreadable;
}

// The generation in use. Where CURRENT names none that is there, it is the history's.
Result<std::string> generation_in_use(const std::string& folder, const std::optional<History>& left,
                                      OpenedIndex& index) {
  const auto is_there = [&](const std::string& generation) {
    std::error_code error;
    return std::filesystem::exists(folder + "/" + generation + "/data.mdb", error);
  };
  const Result<std::optional<std::string>> current = read_current(folder);
  if (!current && !is_about_the_index(current.error().code)) return current.error();
  const std::string named = current ? current->value_or("") : "";
  if (!named.empty() && is_there(named)) return named;
  if (left && is_there(left->generation)) {
    JCN_CHECK(write_current(folder, left->generation));
    return left->generation;
  }
  if (!current) index.rebuilt_because = current.error().message;
  return named;
}

Result<void> forget_crash(const std::string& folder) {
  const std::string path = crash_mark(folder);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("unlink", path, errno);
  return {};
}

class Opening {
 public:
  Opening(const std::string& folder, const WriterOptions& options, OpenedIndex& index)
      : folder_(folder), options_(options), index_(index) {}

  Result<void> run(const IndexHealth* known) {
    JCN_TRY(left_, read_history(folder_));
    JCN_TRY(old_, generation_in_use(folder_, left_, index_));
    if (old_.empty()) return begin_anew();
    if (options_.fresh_index) {
      index_.rebuilt_because = "a rebuild was asked for";
      return begin_anew();
    }
    std::string why;
    if (known) {
      why = "damage was found while the index was in use";
    } else if (options_.verify_changed) {
      JCN_TRY(why, suspicion(folder_, old_, left_));
    }
    if (why.empty()) {
      JCN_TRY(const bool taken, take_up_old(why));
      if (taken) return {};
    }
    IndexHealth health;
    if (known) {
      health = *known;
    } else {
      JCN_TRY(health, examine());
    }
    if (health.whole() && health.format == format_version) {
      JCN_TRY(const bool taken, take_up_old(why));
      if (taken) return {};
      // Whole and in use, it can be read, though perhaps not be written to any more.
      if (!known) health = broken_health(why);
    }
    return replace(health, why);
  }

 private:
  // False: it cannot be, and why.
  Result<bool> take_up_old(std::string& why) {
    const Result<void> taken = take_up(folder_, old_, left_, options_, index_);
    if (!taken && !is_about_the_index(taken.error().code)) return taken.error();
    if (!taken) {
      why = taken.error().message;
      return false;
    }
    JCN_CHECK(remove_leftovers(folder_, old_));
    JCN_CHECK(unmark_damaged(folder_ + "/" + old_));
    JCN_CHECK(forget_crash(folder_));
    return true;
  }

  Result<IndexHealth> examine() {
    Result<IndexHealth> health =
        options_.examine ? options_.examine(folder_) : examine_in_child(folder_, {});
    if (!health && is_about_the_index(health.error().code)) {
      return broken_health(health.error().message);
    }
    return health;
  }

  // The old generation is set aside, what can be relied on comes along.
  Result<void> replace(const IndexHealth& health, const std::string& why) {
    const bool upgrade = health.whole() && health.format != format_version;
    index_.rebuilt_because =
        upgrade ? foreign_format(health.format).message
                : why + (health.findings.empty() ? "" : ": " + health.findings.front());
    if (!can_rewrite(health)) return begin_anew();
    const Result<WrittenFrom> written =
        write_generation_from(folder_, old_, left_, health, options_);
    if (!written) {
      if (!is_about_the_index(written.error().code)) return written.error();
      return begin_anew();
    }
    index_.rebuilt = upgrade ? Rebuilt::upgraded : Rebuilt::repaired;
    return switch_to(written->name, !upgrade);
  }

  Result<void> begin_anew() {
    const bool damage = !index_.rebuilt_because.empty();
    if (damage) index_.rebuilt = Rebuilt::anew;
    JCN_TRY(const NewGeneration made, make_empty_generation(folder_, damage, options_));
    return switch_to(made.name, !options_.fresh_index);
  }

  Result<void> switch_to(const std::string& name, bool keep_old) {
    JCN_CHECK(write_current(folder_, name));
    if (!old_.empty() && keep_old) JCN_CHECK(set_aside(folder_, old_));
    JCN_CHECK(remove_leftovers(folder_, name));
    JCN_CHECK(take_up(folder_, name, left_, options_, index_));
    return forget_crash(folder_);
  }

  const std::string& folder_;
  const WriterOptions& options_;
  OpenedIndex& index_;
  std::optional<History> left_;
  std::string old_;
};

}  // namespace

std::string crash_mark(const std::string& index_folder) {
  return index_folder + "/crashed";
}

Result<OpenedIndex> open_index(const std::string& folder, const WriterOptions& options) {
  OpenedIndex index;
  JCN_TRY(index.lock, lock_index(folder));
  JCN_CHECK(Opening(folder, options, index).run(nullptr));
  return index;
}

Result<OpenedIndex> reopen_index(const std::string& folder, const WriterOptions& options,
                                 const IndexHealth& health) {
  OpenedIndex index;
  JCN_CHECK(Opening(folder, options, index).run(&health));
  return index;
}

}  // namespace jcn
