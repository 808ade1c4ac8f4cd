#include "database.h"

#include <sqlite3.h>

#include "progress.h"

namespace jcn_export {
namespace {

using jcn::Code;
using jcn::Error;
using jcn::Result;

constexpr int steps_between_looks = 20'000;  // of SQLite's machine: about a millisecond

extern "C" int ask_whether_to_stop(void* goes_on) {
  return (*static_cast<std::function<bool()>*>(goes_on))() ? 0 : 1;
}

Error failure_of(sqlite3* database, const std::string& doing) {
  const int code = sqlite3_errcode(database);
  const std::string message = "SQLite, " + doing + ": " + sqlite3_errmsg(database);
  switch (code) {
    case SQLITE_FULL:
      return Error{Code::system, message, "make room on that file system, then run it again"};
    case SQLITE_IOERR:
      return Error{Code::system, message,
                   "is the file system full, or a limit on file sizes reached?"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error{Code::system, message,
                   "another program is using the file; close it there, then run it again"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error{Code::system, message,
                   "the file is damaged: run it without --incremental, which makes a new one"};
    case SQLITE_READONLY:
      return Error{Code::system, message,
                   "give it back its right to write, or run it without --incremental"};
    case SQLITE_INTERRUPT:
      return stopped();
    default:
      return Error{Code::system, message};
  }
}

std::string beginning(const std::string& sql) {
  constexpr std::size_t shown = 60;
  return sql.size() <= shown ? sql : sql.substr(0, shown) + "…";
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Statement::clear() {
  sqlite3_clear_bindings(statement_.get());
}

// A bind fails for want of memory, or for a number that the statement does not have. Both show when
// it is run: the first as SQLITE_NOMEM, the second in every test.
void Statement::bind(int parameter, std::string_view text) {
  const char* bytes = text.empty() ? "" : text.data();  // a null pointer would be NULL
  sqlite3_bind_text64(statement_.get(), parameter, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind(int parameter, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), parameter, value);
}

void Statement::bind(int parameter, double value) {
  sqlite3_bind_double(statement_.get(), parameter, value);
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  Error error =
      failure_of(sqlite3_db_handle(statement_.get()), beginning(sqlite3_sql(statement_.get())));
  sqlite3_reset(statement_.get());
  return error;
}

Result<void> Statement::run() {
  JCN_TRY([[maybe_unused]] const bool row, step());
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const int length = sqlite3_column_bytes(statement_.get(), column);
  return bytes ? std::string_view(bytes, static_cast<std::size_t>(length)) : std::string_view();
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

void Database::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

Result<Database> Database::open(const std::string& path, Access access) {
  const int flags = access == Access::make     ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                    : access == Access::change ? SQLITE_OPEN_READWRITE
                                               : SQLITE_OPEN_READONLY;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(handle);
  if (handle == nullptr) return Error{Code::system, "SQLite can't start: no memory"};
  if (code != SQLITE_OK) return database.failure("opening " + path);
  return database;
}

Error Database::failure(const std::string& doing) const {
  return failure_of(database_.get(), doing);
}

Result<void> Database::run(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return failure(beginning(sql));
  }
  return {};
}

Result<void> Database::run_all(const std::vector<std::string>& statements) {
  for (const std::string& sql : statements) JCN_CHECK(run(sql));
  return {};
}

Result<Statement> Database::prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return failure(beginning(sql));
  return Statement(statement);
}

Result<std::optional<std::string>> Database::value(const std::string& sql) {
  JCN_TRY(Statement statement, prepare(sql));
  JCN_TRY(const bool row, statement.step());
  if (!row) return std::optional<std::string>();
  return std::optional<std::string>(statement.text(0));
}

void Database::watch(std::function<bool()> goes_on) {
  goes_on_ = std::make_unique<std::function<bool()>>(std::move(goes_on));
  sqlite3_progress_handler(database_.get(), steps_between_looks, ask_whether_to_stop,
                           goes_on_.get());
}

void Database::wait_for_locks(int milliseconds) {
  sqlite3_busy_timeout(database_.get(), milliseconds);
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(database_.get());
}

Result<void> Database::close() {
  if (sqlite3_close(database_.get()) != SQLITE_OK) return failure("closing");
  database_.release();
  return {};
}

Result<WriteTransaction> WriteTransaction::begin(Database& database) {
  JCN_CHECK(database.run("BEGIN IMMEDIATE"));
  return WriteTransaction(database);
}

Result<void> WriteTransaction::commit() {
  JCN_CHECK(database_->run("COMMIT"));
  database_ = nullptr;
  return {};
}

WriteTransaction::~WriteTransaction() {
  // An error may have rolled it back already: then there is nothing to do, and this says so.
  if (database_ != nullptr) (void)database_->run("ROLLBACK");
}

}  // namespace jcn_export
