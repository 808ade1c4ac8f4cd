#include "lmdb_env.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "encoding.h"
#include "lmdb_pages.h"

namespace jcn {
namespace {

constexpr std::array<const char*, table_count> names = {
    "meta",    "ids",    "changes",  "tombstones", "files",
    "rejects", "bodies", "segments", "living",     "dictionaries"};
constexpr std::uint64_t page_bytes = 4096;  // or a divisor of LMDB's own
constexpr std::uint64_t smallest_map = 1ULL << 28;
constexpr std::uint64_t largest_reader_map = 1ULL
                                             << 39;  // where the writer's own size does not fit
constexpr std::size_t pooled_transactions = 64;
// How long the map's resizing waits for those who read. Who holds one snapshot and waits for
// another is waited for in vain, but not longer.
constexpr std::chrono::milliseconds drain_patience{250};

Error lmdb_error(const char* call, int code) {
  switch (code) {
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_PANIC:
    case MDB_CURSOR_FULL:
    case MDB_INCOMPATIBLE:
    case MDB_BAD_DBI:
      return damaged(std::string(call) + ": " + mdb_strerror(code));
    case MDB_VERSION_MISMATCH:
      return {Code::index_format, std::string(call) + ": " + mdb_strerror(code), rebuild_hint};
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
      return {Code::index_full, std::string(call) + ": " + mdb_strerror(code),
              "free space where the index lies"};
    case MDB_READERS_FULL:
      return {Code::readers_exhausted, "every reader slot of the index is taken",
              "close readers, or try again"};
    default:
      if (code > 0) return system_error(call, "data.mdb", code);
      return {Code::internal, std::string(call) + ": " + mdb_strerror(code), ""};
  }
}

MDB_val as_val(std::string_view bytes) {
  return MDB_val{bytes.size(), const_cast<char*>(bytes.data())};  // LMDB only reads through it
}

std::string_view as_view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

// Environments open in this process, by the folder's device and inode.
struct OpenEnvironments {
  std::mutex mutex;
  std::condition_variable closed;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::weak_ptr<LmdbEnv>> by_folder;
};

OpenEnvironments& open_environments() {
  static OpenEnvironments environments;
  return environments;
}

}  // namespace

std::string_view table_name(Table table) {
  return names[static_cast<std::size_t>(table)];
}

// --- Cursor

Cursor::Cursor(Cursor&& other) noexcept
    : cursor_(std::exchange(other.cursor_, nullptr)), key_(other.key_), value_(other.value_) {}

Cursor::~Cursor() {
  if (cursor_) mdb_cursor_close(cursor_);
}

Result<bool> Cursor::move(std::string_view key, int operation) {
  MDB_val found_key = as_val(key);
  MDB_val found_value{};
  const int code =
      mdb_cursor_get(cursor_, &found_key, &found_value, static_cast<MDB_cursor_op>(operation));
  if (code == MDB_NOTFOUND) return false;
  if (code != MDB_SUCCESS) return lmdb_error("mdb_cursor_get", code);
  key_ = as_view(found_key);
  value_ = as_view(found_value);
  return true;
}

Result<bool> Cursor::seek(std::string_view key) {
  return key.empty() ? move({}, MDB_FIRST) : move(key, MDB_SET_RANGE);
}

Result<bool> Cursor::next() {
  return move({}, MDB_NEXT);
}

// --- Transaction

Transaction::Transaction(Transaction&& other) noexcept
    : env_(std::move(other.env_)), txn_(std::exchange(other.txn_, nullptr)) {}

Result<std::optional<std::string_view>> Transaction::get(Table table, std::string_view key) const {
  MDB_val lmdb_key = as_val(key);
  MDB_val value{};
  const int code = mdb_get(txn_, env_->tables_[static_cast<std::size_t>(table)], &lmdb_key, &value);
  if (code == MDB_NOTFOUND) return std::optional<std::string_view>();
  if (code != MDB_SUCCESS) return lmdb_error("mdb_get", code);
  return std::optional<std::string_view>(as_view(value));
}

Result<Cursor> Transaction::cursor(Table table) const {
  MDB_cursor* cursor = nullptr;
  const int code = mdb_cursor_open(txn_, env_->tables_[static_cast<std::size_t>(table)], &cursor);
  if (code != MDB_SUCCESS) return lmdb_error("mdb_cursor_open", code);
  return Cursor(cursor);
}

Result<Transaction::Size> Transaction::size(Table table) const {
  MDB_stat stat{};
  const int code = mdb_stat(txn_, env_->tables_[static_cast<std::size_t>(table)], &stat);
  if (code != MDB_SUCCESS) return lmdb_error("mdb_stat", code);
  const std::uint64_t pages = stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
  return Size{stat.ms_entries, pages * stat.ms_psize};
}

std::uint64_t Transaction::id() const {
  return mdb_txn_id(txn_);
}

ReadTxn::~ReadTxn() {
  if (txn_) env_->take_back(txn_);
}

// --- WriteTxn

WriteTxn::~WriteTxn() {
  if (!txn_) return;
  close_cursors();
  mdb_txn_abort(txn_);
}

void WriteTxn::close_cursors() {
  for (MDB_cursor*& cursor : cursors_) {
    if (cursor) mdb_cursor_close(cursor);
    cursor = nullptr;
  }
}

Result<MDB_cursor*> WriteTxn::writing_cursor(Table table) {
  MDB_cursor*& cursor = cursors_[static_cast<std::size_t>(table)];
  if (!cursor) {
    const int code = mdb_cursor_open(txn_, env_->tables_[static_cast<std::size_t>(table)], &cursor);
    if (code != MDB_SUCCESS) return lmdb_error("mdb_cursor_open", code);
  }
  return cursor;
}

void WriteTxn::account(Table table, std::string_view key, std::string_view value, bool added) {
  TableSum& sum = sums_[static_cast<std::size_t>(table)];
  const std::uint64_t hash = entry_hash(key, value);
  if (added) {
    ++sum.entries;
    sum.sum += hash;
  } else {
    --sum.entries;
    sum.sum -= hash;
  }
}

Result<bool> WriteTxn::put(Table table, std::string_view key, std::string_view value,
                           std::string* old) {
  JCN_TRY(MDB_cursor * cursor, writing_cursor(table));
  MDB_val lmdb_key = as_val(key);
  MDB_val lmdb_value = as_val(value);
  int code = mdb_cursor_put(cursor, &lmdb_key, &lmdb_value, MDB_NOOVERWRITE);
  const bool replaces = code == MDB_KEYEXIST;
  if (replaces) {
    const std::string_view found = as_view(lmdb_value);
    account(table, key, found, false);
    if (old) old->assign(found);
    lmdb_key = as_val(key);
    lmdb_value = as_val(value);
    code = mdb_cursor_put(cursor, &lmdb_key, &lmdb_value, 0);
  }
  if (code != MDB_SUCCESS) return env_->write_error("mdb_cursor_put", code);
  account(table, key, value, true);
  return replaces;
}

Result<void> WriteTxn::append(Table table, std::string_view key, std::string_view value) {
  JCN_TRY(MDB_cursor * cursor, writing_cursor(table));
  MDB_val lmdb_key = as_val(key);
  MDB_val lmdb_value = as_val(value);
  const int code = mdb_cursor_put(cursor, &lmdb_key, &lmdb_value, MDB_APPEND);
  if (code == MDB_KEYEXIST) {
    return damaged("table " + std::string(table_name(table)) + " has keys beyond its end");
  }
  if (code != MDB_SUCCESS) return env_->write_error("mdb_cursor_put", code);
  account(table, key, value, true);
  return {};
}

Result<bool> WriteTxn::erase(Table table, std::string_view key, std::string* old) {
  JCN_TRY(MDB_cursor * cursor, writing_cursor(table));
  MDB_val lmdb_key = as_val(key);
  MDB_val value{};
  int code = mdb_cursor_get(cursor, &lmdb_key, &value, MDB_SET);
  if (code == MDB_NOTFOUND) return false;
  if (code != MDB_SUCCESS) return lmdb_error("mdb_cursor_get", code);
  account(table, key, as_view(value), false);
  if (old) old->assign(as_view(value));
  code = mdb_cursor_del(cursor, 0);
  if (code != MDB_SUCCESS) return env_->write_error("mdb_cursor_del", code);
  return true;
}

Result<void> WriteTxn::erase_range(Table table, std::string_view first, std::string_view end) {
  JCN_TRY(MDB_cursor * cursor, writing_cursor(table));
  MDB_val key = as_val(first);
  MDB_val value{};
  int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
  while (code == MDB_SUCCESS && as_view(key) < end) {
    account(table, as_view(key), as_view(value), false);
    code = mdb_cursor_del(cursor, 0);
    if (code != MDB_SUCCESS) return env_->write_error("mdb_cursor_del", code);
    // After a deletion the cursor stands before the next entry; asking by key is as quick and does
    // not depend on that.
    key = as_val(first);
    code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
  }
  if (code != MDB_SUCCESS && code != MDB_NOTFOUND) return lmdb_error("mdb_cursor_get", code);
  return {};
}

Result<void> WriteTxn::commit() {
  const auto entered = std::move(entered_);  // however it ends, it is no transaction afterwards
  close_cursors();
  const std::string sums = encode_sums(sums_);
  MDB_val key = as_val(meta_sums);
  MDB_val value = as_val(sums);
  int code = mdb_put(txn_, env_->tables_[static_cast<std::size_t>(Table::meta)], &key, &value, 0);
  if (code != MDB_SUCCESS) {
    mdb_txn_abort(std::exchange(txn_, nullptr));
    return env_->write_error("mdb_put", code);
  }
  code = mdb_txn_commit(std::exchange(txn_, nullptr));  // frees it, also when it fails
  if (code == EIO && env_->disk_is_full()) code = ENOSPC;
  if (code != MDB_SUCCESS) return env_->write_error("mdb_txn_commit", code);
  env_->lengthen();
  return {};
}

// --- LmdbEnv

struct LmdbEnv::Pool {
  Pool() { idle.reserve(pooled_transactions); }  // a transaction's end needs no memory

  std::mutex mutex;
  std::condition_variable changed;
  // All under the mutex.
  std::vector<MDB_txn*> idle;  // reset
  std::size_t active = 0;      // transactions that are not, write transactions, too
  bool resizing = false;       // none begins
  bool map_full = false;       // a write transaction found no room
};

LmdbEnv::LmdbEnv() : pool_(std::make_unique<Pool>()) {}

Result<std::shared_ptr<LmdbEnv>> LmdbEnv::open(const std::string& folder,
                                               const EnvOptions& options) {
  FileDescriptor folder_fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder_fd) {
    if (errno != ENOENT && errno != ENOTDIR) return system_error("open", folder, errno);
    return Error{Code::index_unreadable, "there is no index in " + folder, ""};
  }
  struct ::stat stat {};
  if (::fstat(folder_fd.get(), &stat) != 0) return system_error("fstat", folder, errno);
  const std::pair<std::uint64_t, std::uint64_t> identity{stat.st_dev, stat.st_ino};
  // Made before the lock is taken, so that it goes after that: its destructor takes the lock, too.
  std::shared_ptr<LmdbEnv> env(new LmdbEnv);
  OpenEnvironments& environments = open_environments();
  std::unique_lock lock(environments.mutex);
  while (true) {
    const auto found = environments.by_folder.find(identity);
    if (found == environments.by_folder.end()) break;
    if (std::shared_ptr<LmdbEnv> shared = found->second.lock()) {
      if (shared->process_ != ::getpid()) break;  // the parent's
      if (!shared->has_tables_ && options.tables) {
        return Error{Code::index_in_use, folder + " is being examined in this process", ""};
      }
      if (shared->writable_ || options.read_only) return shared;
      return Error{Code::index_in_use, folder + " is open for reading in this process", ""};
    }
    environments.closed.wait(lock);  // its last owner is closing it right now
  }
  env->identity_ = identity;
  env->folder_fd_ = std::move(folder_fd);
  env->process_ = ::getpid();
  const Result<void> started = env->start(folder, options);
  environments.by_folder[identity] = env;
  if (!started) return started.error();
  return env;
}

Result<void> LmdbEnv::start(const std::string& folder, const EnvOptions& options) {
  folder_ = folder;
  writable_ = !options.read_only;
  struct ::stat stat {};
  const std::string file = folder + "/data.mdb";
  if (!options.create && (::stat(file.c_str(), &stat) != 0 || stat.st_size == 0)) {
    return Error{Code::index_unreadable, file + " is missing or empty", ""};
  }
  if (!options.create) {
    Result<void> checked = LmdbPages::check_metas(folder);
    if (!checked) checked = LmdbPages::check_metas(folder);  // the writer may have been at it
    JCN_CHECK(checked);
  }
  // Without NORDAHEAD: an index is expected to fit into memory, and reading ahead warms it.
  const unsigned flags =
      static_cast<unsigned>(MDB_NOTLS) | static_cast<unsigned>(options.read_only ? MDB_RDONLY : 0);
  std::uint64_t map_bytes = options.map_bytes;
  // Room for the first transaction at least, in one that was made larger before.
  if (writable_ && !options.create) {
    const auto size = static_cast<std::uint64_t>(stat.st_size);
    map_bytes = std::max(map_bytes, (2 * size / page_bytes + 1) * page_bytes);
  }
  while (true) {
    int code = mdb_env_create(&env_);
    if (code != MDB_SUCCESS) return lmdb_error("mdb_env_create", code);
    if (map_bytes != 0) code = mdb_env_set_mapsize(env_, map_bytes);
    if (code == MDB_SUCCESS) code = mdb_env_set_maxreaders(env_, options.max_readers);
    if (code == MDB_SUCCESS) code = mdb_env_set_maxdbs(env_, table_count);
    if (code == MDB_SUCCESS) code = mdb_env_open(env_, folder.c_str(), flags, 0640);
    if (code == MDB_SUCCESS) break;
    mdb_env_close(std::exchange(env_, nullptr));
    // A small address space (limits, sanitizers) cannot hold the usual map.
    if (code == ENOMEM && (map_bytes == 0 || map_bytes > smallest_map)) {
      map_bytes = map_bytes == 0 ? largest_reader_map : map_bytes / 2;
      continue;
    }
    if (code == EINVAL) return damaged("data.mdb is no whole LMDB file");
    return lmdb_error("mdb_env_open", code);
  }
  JCN_CHECK(clear_stale_readers());
  if (!options.tables) return {};
  if (!options.create) JCN_CHECK(check_length());
  has_tables_ = true;
  return open_tables(options.create);
}

// A page beyond the end of the file ends in SIGBUS, and a page of zeros in LMDB's abort(3): neither
// may be found out by reading.
Result<void> LmdbEnv::check_length() const {
  JCN_TRY(off_t missing, missing_bytes());
  // A reader beside a live writer may look between a commit and the lengthening that follows it.
  for (int looks = 0; missing > 0 && !writable_ && looks < 20; ++looks) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    JCN_TRY(missing, missing_bytes());
  }
  if (missing > 0) return damaged("data.mdb is cut short");
  return {};
}

Result<off_t> LmdbEnv::missing_bytes() const {
  int fd = -1;
  mdb_env_get_fd(env_, &fd);
  struct ::stat stat {};
  if (::fstat(fd, &stat) != 0) return system_error("fstat", folder_ + "/data.mdb", errno);
  return std::max<off_t>(static_cast<off_t>(used_bytes()) - stat.st_size, 0);
}

// LMDB leaves a page at the end unwritten when it was freed again at once. Keeping data.mdb as long
// as its pages say makes a shorter one a sure sign of damage.
void LmdbEnv::lengthen() const {
  const Result<off_t> missing = missing_bytes();
  if (!missing || *missing == 0) return;
  int fd = -1;
  mdb_env_get_fd(env_, &fd);
  // Should it fail, nothing is lost: the next commit tries again, an open before that rebuilds.
  if (::ftruncate(fd, static_cast<off_t>(used_bytes())) != 0) return;
}

// LMDB reports a short write as EIO.
bool LmdbEnv::disk_is_full() const {
  struct ::statvfs disk {};
  if (::statvfs(folder_.c_str(), &disk) != 0) return false;
  const auto free_blocks = ::geteuid() == 0 ? disk.f_bfree : disk.f_bavail;
  return free_blocks * disk.f_frsize < (1U << 20);
}

Result<void> LmdbEnv::open_tables(bool create) {
  tables_.reserve(std::size(names));  // nothing is to be thrown while the transaction is open
  MDB_txn* txn = nullptr;
  int code = mdb_txn_begin(env_, nullptr, create ? 0 : MDB_RDONLY, &txn);
  if (code != MDB_SUCCESS) return lmdb_error("mdb_txn_begin", code);
  for (const char* name : names) {
    MDB_dbi table = 0;
    code = mdb_dbi_open(txn, name, create ? MDB_CREATE : 0, &table);
    if (code != MDB_SUCCESS) {
      mdb_txn_abort(txn);
      if (code == MDB_NOTFOUND) return damaged(std::string("table ") + name + " is missing");
      return lmdb_error("mdb_dbi_open", code);
    }
    tables_.push_back(table);
  }
  code = mdb_txn_commit(txn);
  if (code != MDB_SUCCESS) return lmdb_error("mdb_txn_commit", code);
  return {};
}

LmdbEnv::~LmdbEnv() {
  for (MDB_txn* txn : pool_->idle) mdb_txn_abort(txn);
  OpenEnvironments& environments = open_environments();
  const std::lock_guard lock(environments.mutex);
  if (env_) mdb_env_close(env_);
  environments.by_folder.erase(identity_);
  environments.closed.notify_all();
}

void LmdbEnv::enter() {
  std::unique_lock lock(pool_->mutex);
  pool_->changed.wait(lock, [this] { return !pool_->resizing; });
  ++pool_->active;
}

void LmdbEnv::leave() {
  {
    const std::lock_guard lock(pool_->mutex);
    --pool_->active;
  }
  pool_->changed.notify_all();
}

void WriteTxn::Leave::operator()(LmdbEnv* env) const {
  env->leave();
}

Result<ReadTxn> LmdbEnv::begin_read() {
  for (bool resized = false;; resized = true) {
    enter();
    MDB_txn* txn = nullptr;
    {
      const std::lock_guard lock(pool_->mutex);
      if (!pool_->idle.empty()) {
        txn = pool_->idle.back();
        pool_->idle.pop_back();
      }
    }
    int code = MDB_SUCCESS;
    if (txn) {
      code = mdb_txn_renew(txn);
      if (code != MDB_SUCCESS) mdb_txn_abort(txn);
    } else {
      code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
      if (code == MDB_READERS_FULL) {  // slots of readers that died
        static_cast<void>(clear_stale_readers());
        code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
      }
    }
    if (code == MDB_SUCCESS) return ReadTxn(shared_from_this(), txn);
    leave();
    // The writer, another process, has a larger map by now.
    if (code != MDB_MAP_RESIZED || resized) return lmdb_error("mdb_txn_begin", code);
    JCN_CHECK(resize_map(0));
  }
}

void LmdbEnv::take_back(MDB_txn* txn) {
  mdb_txn_reset(txn);
  {
    const std::lock_guard lock(pool_->mutex);
    if (pool_->idle.size() < pooled_transactions) {
      pool_->idle.push_back(txn);
      txn = nullptr;
    }
  }
  if (txn) mdb_txn_abort(txn);
  leave();
}

// Growing the map moves it: no transaction may be under way.
Result<void> LmdbEnv::resize_map(std::uint64_t bytes) {
  std::unique_lock lock(pool_->mutex);
  pool_->changed.wait(lock, [this] { return !pool_->resizing; });
  pool_->resizing = true;
  const bool drained =
      pool_->changed.wait_for(lock, drain_patience, [this] { return pool_->active == 0; });
  int code = MDB_SUCCESS;
  if (drained) {
    for (MDB_txn* txn : pool_->idle) mdb_txn_abort(txn);
    pool_->idle.clear();
    code = mdb_env_set_mapsize(env_, bytes);
  }
  pool_->resizing = false;
  lock.unlock();
  pool_->changed.notify_all();
  if (!drained) {
    return Error{Code::readers_exhausted, "readers are in the way of a larger map", "try again"};
  }
  if (code != MDB_SUCCESS) return lmdb_error("mdb_env_set_mapsize", code);
  return {};
}

bool LmdbEnv::grow_if_full() {
  {
    const std::lock_guard lock(pool_->mutex);
    if (!pool_->map_full) return false;
  }
  const std::uint64_t now = map_bytes();
  Result<void> grown = resize_map(2 * now);
  // Where the address space has no room for that, a part of it helps as well.
  if (!grown && grown.error().code == Code::system) {
    grown = resize_map(now + (now / 8 / page_bytes + 1) * page_bytes);
  }
  if (!grown) return false;
  const std::lock_guard lock(pool_->mutex);
  pool_->map_full = false;
  return true;
}

bool LmdbEnv::given_up() const {
  MDB_txn* txn = nullptr;
  if (mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn) == MDB_PANIC) return true;
  mdb_txn_abort(txn);  // of none, it does nothing
  return false;
}

Error LmdbEnv::write_error(const char* call, int code) {
  if (code == MDB_MAP_FULL) {
    const std::lock_guard lock(pool_->mutex);
    pool_->map_full = true;
  }
  return lmdb_error(call, code);
}

Result<WriteTxn> LmdbEnv::begin_write() {
  enter();
  std::unique_ptr<LmdbEnv, WriteTxn::Leave> entered(this);
  MDB_txn* raw = nullptr;
  const int code = mdb_txn_begin(env_, nullptr, 0, &raw);
  if (code != MDB_SUCCESS) return lmdb_error("mdb_txn_begin", code);
  WriteTxn txn(shared_from_this(), raw);
  txn.entered_ = std::move(entered);
  JCN_TRY(const auto stored, txn.get(Table::meta, meta_sums));
  if (stored) {
    auto sums = decode_sums(*stored);
    if (!sums || sums->size() != table_count) return damaged("the tables' sums are unreadable");
    txn.sums_ = std::move(*sums);
  } else {
    txn.sums_.resize(table_count);
  }
  return txn;
}

Result<void> LmdbEnv::clear_stale_readers() {
  int dead = 0;
  const int code = mdb_reader_check(env_, &dead);
  if (code != MDB_SUCCESS) return lmdb_error("mdb_reader_check", code);
  return {};
}

// What LMDB says of itself it reads from the map, which is not to be moved meanwhile.
std::uint64_t LmdbEnv::map_bytes() const {
  const std::lock_guard lock(pool_->mutex);
  MDB_envinfo info{};
  mdb_env_info(env_, &info);
  return info.me_mapsize;
}

std::uint64_t LmdbEnv::used_bytes() const {
  const std::lock_guard lock(pool_->mutex);
  MDB_envinfo info{};
  MDB_stat stat{};
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &stat);
  return (info.me_last_pgno + 1) * stat.ms_psize;
}

}  // namespace jcn
