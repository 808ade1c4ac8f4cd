#include "generation_writing.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "encoding.h"
#include "generation.h"
#include "jcn/folder.h"
#include "touched_log.h"

namespace jcn {
namespace {

Result<void> put_meta(WriteTxn& txn, std::string_view key, std::string_view value) {
  JCN_TRY([[maybe_unused]] const bool old, txn.put(Table::meta, key, value));
  return {};
}

Result<void> put_incomplete(WriteTxn& txn) {
  std::string note = "1";
  seal(note);
  return put_meta(txn, meta_note_key(incomplete_note), note);
}

}  // namespace

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

EnvOptions env_options(const WriterOptions& options, bool create) {
  EnvOptions env;
  env.map_bytes = options.map_bytes;
  env.max_readers = options.max_readers;
  env.read_only = false;
  env.create = create;
  return env;
}

Result<NewGeneration> make_tables(const std::string& folder, const WriterOptions& options,
                                  std::uint64_t map_bytes) {
  NewGeneration made;
  JCN_TRY(made.name, next_generation(folder));
  made.path = folder + "/" + made.name;
  std::error_code error;
  std::filesystem::create_directory(made.path, error);
  if (error) return system_error("mkdir", made.path, error.value());
  EnvOptions env = env_options(options, true);
  env.map_bytes = std::max(env.map_bytes, (map_bytes / 4096 + 1) * 4096);
  JCN_TRY(made.env, LmdbEnv::open(made.path, env));
  return made;
}

Result<NewGeneration> make_empty_generation(const std::string& folder, bool incomplete,
                                            const WriterOptions& options) {
  JCN_TRY(NewGeneration made, make_tables(folder, options));
  IdentityRow identity;
  JCN_TRY(identity.uuid, random_uuid());
  JCN_TRY(const DataFacts data, data_facts(made.path + "/data.mdb"));
  identity.inode = data.inode;
  identity.machine = machine_id();
  StateRow state;
  state.clean = true;
  state.folded_seq = state.reserved_seq = options.first_seq;
  JCN_TRY(WriteTxn txn, made.env->begin_write());
  JCN_CHECK(put_meta(txn, meta_identity, encode_identity(identity)));
  JCN_CHECK(put_meta(txn, meta_state, encode_state(state)));
  JCN_CHECK(put_meta(txn, meta_counts, encode_counts({})));
  if (incomplete) JCN_CHECK(put_incomplete(txn));
  JCN_CHECK(txn.commit());
  JCN_CHECK(sync_folder(made.path));
  return made;
}

Result<void> write_identity(const NewGeneration& generation, const IdentityRow& old,
                            const std::optional<TokenRow>& token, const std::string& origin) {
  IdentityRow identity = old;
  identity.format = format_version;
  JCN_TRY(const DataFacts data, data_facts(generation.path + "/data.mdb"));
  identity.inode = data.inode;
  identity.machine = machine_id();
  if (!token) {
    JCN_TRY(identity.uuid, random_uuid());
  }
  JCN_TRY(WriteTxn txn, generation.env->begin_write());
  JCN_CHECK(put_meta(txn, meta_identity, encode_identity(identity)));
  if (token) JCN_CHECK(put_meta(txn, meta_token, encode_token(*token)));
  std::string sealed = origin;
  seal(sealed);
  JCN_CHECK(put_meta(txn, meta_origin, sealed));
  return txn.commit();
}

namespace {

struct TemporaryCopy {
  std::string folder;
  TemporaryCopy() = default;
  TemporaryCopy(const TemporaryCopy&) = delete;
  TemporaryCopy& operator=(const TemporaryCopy&) = delete;
  ~TemporaryCopy() {
    if (!folder.empty()) try_to_remove_whole(folder);  // or the next opening does
  }
};

// LMDB gives an environment up for as long as the process lives when its meta page could not be
// written, however whole the file is: then it is a copy that is read.
Result<std::shared_ptr<LmdbEnv>> open_to_read(const std::string& folder, const std::string& from,
                                              TemporaryCopy& copy) {
  JCN_TRY(auto env, LmdbEnv::open(from, EnvOptions{}));
  const Result<ReadTxn> reading = env->begin_read();
  if (reading || reading.error().code != Code::index_damaged) return env;
  JCN_TRY(const std::string name, next_generation(folder));
  copy.folder = folder + "/" + name;
  std::error_code error;
  std::filesystem::create_directory(copy.folder, error);
  if (error) return system_error("mkdir", copy.folder, error.value());
  std::filesystem::copy_file(from + "/data.mdb", copy.folder + "/data.mdb", error);
  if (error) return system_error("copy", copy.folder + "/data.mdb", error.value());
  return LmdbEnv::open(copy.folder, EnvOptions{});
}

}  // namespace

Result<WrittenFrom> write_generation_from(const std::string& folder, const std::string& old,
                                          const std::optional<History>& left,
                                          const IndexHealth& health, const WriterOptions& options) {
  const std::string from = folder + "/" + old;
  TemporaryCopy copy;
  JCN_TRY(const auto env, open_to_read(folder, from, copy));
  SegmentCache cache(env);
  JCN_TRY(const ReadTxn reading, env->begin_read());
  JCN_TRY(MetaRows meta, read_meta(reading));
  JCN_TRY(const NewGeneration made, make_tables(folder, options, 2 * env->used_bytes()));
  RewriteWish wish;
  wish.read_again = options.read_again;
  wish.go_on = options.go_on;
  JCN_TRY(const RewriteResult written,
          rewrite_generation({reading, cache, health}, *made.env, wish));
  JCN_TRY(bool goes_on, carries_on(folder, old, left, meta, reading.id()));
  goes_on = goes_on && !written.new_history;
  // One that no writer has opened yet has no token either: it gets a new uuid, which nobody misses.
  JCN_CHECK(write_identity(made, meta.identity, goes_on ? meta.token : std::nullopt, old));
  if (!written.lost.empty()) {
    JCN_TRY(WriteTxn txn, made.env->begin_write());
    JCN_CHECK(put_incomplete(txn));
    JCN_CHECK(txn.commit());
  }
  JCN_CHECK(TouchedLog::carry(from, made.path, written.lost));
  JCN_CHECK(sync_folder(made.path));
  return WrittenFrom{made.name, written.lost.empty()};
}

}  // namespace jcn
