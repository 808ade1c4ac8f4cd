// LMDB, wrapped: the only room that includes lmdb.h (with lmdb_readers.cc). Environments,
// transactions and cursors are closed by their destructors; a write transaction that was not committed is aborted.
//
// Invariants:
// 1. One environment per index folder and process: opening it again shares it (LMDB loses its locks
//    when a file is opened twice in one process).
// 2. Commits are synced. Never WRITEMAP, MAPASYNC or NOLOCK. Plain tables only, no DUPSORT.
// 3. Each commit stores, per table, its number of entries and the wrapping sum of their hashes;
//    `verify` compares them with what a walk finds.
//
// Thread-safety: LmdbEnv: any thread. A transaction and its cursors: one thread at a time; a write
// transaction: the thread that began it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jcn/file_descriptor.h"
#include "jcn/index_readers.h"
#include "jcn/result.h"
#include "rows.h"

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

namespace jcn {

enum class Table : std::uint8_t {
  meta,
  ids,
  changes,
  tombstones,
  files,
  rejects,
  bodies,
  segments,
  living,
  dictionaries
};
inline constexpr std::size_t table_count = 10;
std::string_view table_name(Table table);

class LmdbEnv;

class Cursor {
 public:
  Cursor(Cursor&& other) noexcept;
  Cursor& operator=(Cursor&&) = delete;
  ~Cursor();

  // Each tells whether there is such an entry. Views last until the transaction ends, in a write
  // transaction until its next write.
  Result<bool> seek(std::string_view key);  // the first entry at or after `key`
  Result<bool> next();
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }

 private:
  friend class Transaction;
  explicit Cursor(MDB_cursor* cursor) : cursor_(cursor) {}
  Result<bool> move(std::string_view key, int operation);
  MDB_cursor* cursor_;
  std::string_view key_, value_;
};

// What reading and writing transactions have in common.
class Transaction {
 public:
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  Result<std::optional<std::string_view>> get(Table table, std::string_view key) const;
  Result<Cursor> cursor(Table table) const;
  struct Size {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;  // of its pages
  };
  Result<Size> size(Table table) const;  // without walking it
  std::uint64_t id() const;  // of the state read; a write transaction: of the state that it makes
  // Ids are of one environment: another generation's states have the same ones.
  const std::shared_ptr<LmdbEnv>& env() const { return env_; }

 protected:
  Transaction(std::shared_ptr<LmdbEnv> env, MDB_txn* txn) : env_(std::move(env)), txn_(txn) {}
  Transaction(Transaction&& other) noexcept;
  ~Transaction() = default;
  std::shared_ptr<LmdbEnv> env_;
  MDB_txn* txn_;
};

class ReadTxn : public Transaction {
 public:
  ReadTxn(ReadTxn&& other) noexcept = default;
  ReadTxn& operator=(ReadTxn&&) = delete;
  ~ReadTxn();  // back to the environment's pool

 private:
  friend class LmdbEnv;
  using Transaction::Transaction;
};

class WriteTxn : public Transaction {
 public:
  WriteTxn(WriteTxn&& other) noexcept = default;
  WriteTxn& operator=(WriteTxn&&) = delete;
  ~WriteTxn();

  // Inserts or replaces. `old`, where given, gets the value replaced, and is left alone otherwise.
  // Returns whether there was one.
  Result<bool> put(Table table, std::string_view key, std::string_view value,
                   std::string* old = nullptr);
  // For keys greater than all in the table: fills pages to the brim.
  Result<void> append(Table table, std::string_view key, std::string_view value);
  Result<bool> erase(Table table, std::string_view key, std::string* old = nullptr);
  // Erases all keys from `first` on, up to but without `end`.
  Result<void> erase_range(Table table, std::string_view first, std::string_view end);

  // On an error the transaction is over and nothing of it has happened.
  Result<void> commit();

 private:
  friend class LmdbEnv;
  using Transaction::Transaction;
  struct Leave {
    void operator()(LmdbEnv* env) const;
  };
  std::unique_ptr<LmdbEnv, Leave> entered_;  // env_, as long as this is among its transactions
  Result<MDB_cursor*> writing_cursor(Table table);
  void close_cursors();
  void account(Table table, std::string_view key, std::string_view value, bool added);
  std::vector<MDB_cursor*> cursors_ = std::vector<MDB_cursor*>(table_count, nullptr);
  std::vector<TableSum> sums_;
};

struct EnvOptions {
  std::uint64_t map_bytes = 0;  // 0: as the file says. Halved until it fits into the address space
  std::uint32_t max_readers = 1024;
  bool read_only = true;
  bool create = false;  // make data.mdb and the tables; otherwise their absence is an error
  bool tables = true;   // false: only to hold a state; no page but the meta pages is looked at
};

class LmdbEnv : public std::enable_shared_from_this<LmdbEnv> {
 public:
  // Errors: index_damaged and index_format (not an index, or not a whole one), index_unreadable (no
  // data.mdb), index_in_use (open for reading in this process, and asked for writing), system.
  static Result<std::shared_ptr<LmdbEnv>> open(const std::string& folder,
                                               const EnvOptions& options);
  LmdbEnv(const LmdbEnv&) = delete;
  LmdbEnv& operator=(const LmdbEnv&) = delete;
  ~LmdbEnv();

  Result<ReadTxn> begin_read();    // readers_exhausted when all slots are taken
  Result<WriteTxn> begin_write();  // waits for the writer before
  Result<void> clear_stale_readers();
  Result<IndexReaders> readers();  // lmdb_readers.cc; takes a slot for the moment
  std::uint64_t used_bytes() const;
  std::uint64_t map_bytes() const;
  // Doubles the map, after a write transaction found no room in it and is over: index_full in other
  // words than a full disk. Who begins a transaction meanwhile waits until those under way are
  // over, which they are given a moment for. False: that was not the reason, or it could not be;
  // asking again helps if others were in the way.
  bool grow_if_full();
  // A meta page could not be written: LMDB begins no transaction any more, however whole the file
  // is.
  bool given_up() const;

 private:
  friend class ReadTxn;
  friend class Transaction;
  friend class WriteTxn;
  struct Pool;
  LmdbEnv();
  Result<void> start(const std::string& folder, const EnvOptions& options);
  Result<void> open_tables(bool create);
  Result<void> check_length() const;
  Result<off_t> missing_bytes() const;
  void lengthen() const;
  bool disk_is_full() const;
  void enter();  // one more transaction; waits while the map is being resized
  void leave();
  void take_back(MDB_txn* txn);
  Result<void> resize_map(std::uint64_t bytes);
  Error write_error(const char* call, int code);

  MDB_env* env_ = nullptr;
  std::vector<unsigned> tables_;
  std::string folder_;
  bool writable_ = false;
  bool has_tables_ = false;
  pid_t process_ = 0;  // an environment must not be used in a child process
  std::pair<std::uint64_t, std::uint64_t> identity_{0, 0};  // device and inode of the folder
  FileDescriptor folder_fd_;  // so that no other folder gets that inode while this is open
  std::unique_ptr<Pool> pool_;
};

}  // namespace jcn
