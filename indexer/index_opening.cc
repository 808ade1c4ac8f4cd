#include "index_opening.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "encoding.h"
#include "generation.h"
#include "living.h"
#include "retention.h"
#include "verify_child.h"

namespace jcn {
namespace {

Result<Hash128> random_bytes() {
  Hash128 random;
  std::size_t have = 0;
  while (have < random.bytes.size()) {
    const ssize_t got = ::getrandom(random.bytes.data() + have, random.bytes.size() - have, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("getrandom", "", errno);
    have += static_cast<std::size_t>(got);
  }
  return random;
}

Result<Hash128> random_uuid() {
  JCN_TRY(Hash128 uuid, random_bytes());
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);  // version 4
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);  // RFC 9562's variant
  return uuid;
}

// Empty where there is none (containers); then only the inode tells copies apart.
std::string machine_id() {
  std::ifstream file("/etc/machine-id");
  std::string id;
  std::getline(file, id);
  return id;
}

EnvOptions env_options(const WriterOptions& options, bool create) {
  EnvOptions env;
  env.map_bytes = options.map_bytes;
  env.max_readers = options.max_readers;
  env.read_only = false;
  env.create = create;
  return env;
}

Result<void> put_meta(WriteTxn& txn, std::string_view key, std::string_view value) {
  JCN_TRY([[maybe_unused]] const bool old, txn.put(Table::meta, key, value));
  return {};
}

// A whole, empty generation, not yet named by CURRENT.
Result<void> make_generation(const std::string& path, const WriterOptions& options) {
  std::error_code error;
  std::filesystem::create_directory(path, error);
  if (error) return system_error("mkdir", path, error.value());
  JCN_TRY(const auto env, LmdbEnv::open(path, env_options(options, true)));
  IdentityRow identity;
  JCN_TRY(identity.uuid, random_uuid());
  JCN_TRY(const DataFacts data, data_facts(path + "/data.mdb"));
  identity.inode = data.inode;
  identity.machine = machine_id();
  StateRow state;
  state.clean = true;
  JCN_TRY(WriteTxn txn, env->begin_write());
  JCN_CHECK(put_meta(txn, meta_identity, encode_identity(identity)));
  JCN_CHECK(put_meta(txn, meta_state, encode_state(state)));
  JCN_CHECK(put_meta(txn, meta_counts, encode_counts({})));
  JCN_CHECK(txn.commit());
  return sync_folder(path);
}

struct MetaRows {
  IdentityRow identity;
  StateRow state;
  IndexCounts counts;
  std::optional<TokenRow> token;  // absent: no writer has opened it yet
};

Result<MetaRows> read_meta(const Transaction& txn) {
  JCN_TRY(const auto identity_bytes, txn.get(Table::meta, meta_identity));
  JCN_TRY(const auto state_bytes, txn.get(Table::meta, meta_state));
  JCN_TRY(const auto counts_bytes, txn.get(Table::meta, meta_counts));
  if (!identity_bytes || !state_bytes || !counts_bytes) return damaged("the meta table lacks rows");
  auto identity = decode_identity(*identity_bytes);
  const auto state = decode_state(*state_bytes);
  auto counts = decode_counts(*counts_bytes);
  if (!identity || !state || !counts) return damaged("the meta table's rows are unreadable");
  JCN_TRY(const auto token_bytes, txn.get(Table::meta, meta_token));
  std::optional<TokenRow> token;
  if (token_bytes) {
    token = decode_token(*token_bytes);
    if (!token) return damaged("the meta table's rows are unreadable");
  }
  return MetaRows{std::move(*identity), *state, std::move(*counts), token};
}

// Whether this data.mdb is the one that the folder's last writer left, and is as it left it. Where
// it is not, the numbers it goes on from may have been given already.
bool carries_on(const std::optional<History>& left, const std::string& generation,
                const MetaRows& meta, const DataFacts& data) {
  if (!meta.token) return true;
  if (!left || !left->in_place || left->generation != generation) return false;
  if (!left->data.same_file(data)) return false;
  if (left->token == meta.token->token) return !left->clean || left->data == data;
  // An opening that ended between its commit and the writing of the file.
  return left->token == meta.token->before && !meta.state.clean;
}

// Before anything of the index is mapped into this process: what can be told from outside.
Result<void> check_left(const std::string& folder, const std::string& generation,
                        const std::optional<History>& left, const WriterOptions& options) {
  const std::string path = folder + "/" + generation;
  std::error_code error;
  const bool marked = std::filesystem::exists(path + "/" + damage_mark, error);
  if (error) return system_error("stat", path, error.value());
  if (marked) return damaged("it was found while the index was in use");
  if (!options.verify_changed || !left || !left->clean || left->generation != generation) return {};
  if (!std::filesystem::exists(path + "/data.mdb", error)) return {};  // opening it says so
  JCN_TRY(const DataFacts data, data_facts(path + "/data.mdb"));
  if (data == left->data) return {};
  return verify_in_child(folder);
}

// Takes up a generation as it is.
Result<void> take_up(const std::string& folder, const std::string& generation,
                     const std::optional<History>& left, const WriterOptions& options,
                     OpenedIndex& index) {
  const std::string path = folder + "/" + generation;
  JCN_TRY(auto env, LmdbEnv::open(path, env_options(options, false)));
  JCN_CHECK(check_format(*env));
  JCN_TRY(const DataFacts data, data_facts(path + "/data.mdb"));
  auto cache = std::make_shared<SegmentCache>(env);
  SegmentSurvey survey;
  MetaRows meta;
  {
    JCN_TRY(const ReadTxn reading, env->begin_read());
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
  const std::string machine = machine_id();
  if (meta.identity.machine != machine || meta.identity.inode != data.inode ||
      !carries_on(left, generation, meta, data)) {
    JCN_TRY(meta.identity.uuid, random_uuid());
    meta.identity.machine = machine;
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
  JCN_CHECK(write_history(folder, index.history));

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

}  // namespace

Result<OpenedIndex> open_index(const std::string& folder, const WriterOptions& options) {
  OpenedIndex index;
  JCN_TRY(index.lock, lock_index(folder));
  Result<std::optional<std::string>> current = read_current(folder);
  if (!current) {
    if (!is_about_the_index(current.error().code)) return current.error();
    index.rebuilt_because = current.error().message;
    current = std::optional<std::string>();
  }
  const std::string old = current->value_or("");
  JCN_TRY(const std::optional<History> left, read_history(folder));
  if (!old.empty() && !options.fresh_index) {
    Result<void> taken = check_left(folder, old, left, options);
    if (taken) taken = take_up(folder, old, left, options, index);
    if (taken) {
      JCN_CHECK(remove_leftovers(folder, old));
      return index;
    }
    if (!is_about_the_index(taken.error().code)) return taken.error();
    index.rebuilt_because = taken.error().message;
    JCN_CHECK(set_aside(folder, old));
  } else if (!old.empty()) {
    index.rebuilt_because = "a rebuild was asked for";
  }
  JCN_TRY(const std::string name, next_generation(folder));
  JCN_CHECK(make_generation(folder + "/" + name, options));
  JCN_CHECK(write_current(folder, name));
  JCN_CHECK(remove_leftovers(folder, name));
  JCN_CHECK(take_up(folder, name, left, options, index));
  return index;
}

}  // namespace jcn
